package stdio

import (
	"maps"
	"slices"
	"sync"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"
)

// The interfaces by which mcp-go finds out what a session can do. A call's
// session (callSession) has them all.
var (
	_ server.SessionWithLogging               = (*session)(nil)
	_ server.SessionWithClientInfo            = (*session)(nil)
	_ server.SessionWithProtocolVersion       = (*session)(nil)
	_ server.SessionWithResourceSubscriptions = (*session)(nil)
	_ server.SessionWithLogging               = (*callSession)(nil)
	_ server.SessionWithClientInfo            = (*callSession)(nil)
	_ server.SessionWithProtocolVersion       = (*callSession)(nil)
	_ server.SessionWithResourceSubscriptions = (*callSession)(nil)
	_ server.SessionWithElicitation           = (*callSession)(nil)
	_ server.SessionWithSubscriptionFilter    = (*listenSession)(nil)
)

// session is the connection as mcp-go knows it: what initialize settled, and
// the way out for notifications that belong to no call. It is initialized by a
// legacy client only: modern ones get no notification they did not ask for.
type session struct {
	subscriptions
	box  *outbox
	asks *asks

	mu      sync.Mutex
	ready   bool
	level   mcp.LoggingLevel
	version string
	info    mcp.Implementation
	caps    mcp.ClientCapabilities
}

// newSession returns the session of a connection; broadcasts go to deliver.
func newSession(asks *asks, deliver func(mcp.JSONRPCNotification)) *session {
	return &session{asks: asks, level: mcp.LoggingLevelError, box: newOutbox(nil, deliver)}
}

func (s *session) SessionID() string { return "stdio" }

func (s *session) NotificationChannel() chan<- mcp.JSONRPCNotification { return s.box.channel() }

func (s *session) Initialize() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ready = true
}

func (s *session) Initialized() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ready
}

func (s *session) SetLogLevel(level mcp.LoggingLevel) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.level = level
}

func (s *session) GetLogLevel() mcp.LoggingLevel {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.level
}

func (s *session) SetProtocolVersion(version string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.version = version
}

func (s *session) ProtocolVersion() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.version
}

func (s *session) SetClientInfo(info mcp.Implementation) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.info = info
}

func (s *session) GetClientInfo() mcp.Implementation {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.info
}

func (s *session) SetClientCapabilities(caps mcp.ClientCapabilities) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.caps = caps
}

func (s *session) GetClientCapabilities() mcp.ClientCapabilities {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.caps
}

// subscriptions are the resources a client wants to hear of; the zero value is
// empty.
type subscriptions struct {
	mu   sync.Mutex
	uris map[string]struct{}
}

func (s *subscriptions) SubscribeToResource(uri string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.uris == nil {
		s.uris = map[string]struct{}{}
	}
	s.uris[uri] = struct{}{}
}

func (s *subscriptions) UnsubscribeFromResource(uri string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.uris, uri)
}

// SubscribedResources are sorted.
func (s *subscriptions) SubscribedResources() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Sorted(maps.Keys(s.uris))
}

func (s *subscriptions) IsSubscribedToResource(uri string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, ok := s.uris[uri]
	return ok
}
