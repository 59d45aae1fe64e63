package tools

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"
)

// seals make the state that a client carries from a question to its answer: it can
// neither read nor make nor use one twice. The key lives and dies with the
// process.
type seals struct {
	aead cipher.AEAD

	mu   sync.Mutex
	open map[string]time.Time // serial number → expiry, of those not used yet
}

// A sealed is what an answer is bound to.
type sealed struct {
	Tool   string `json:"tool"`
	Args   string `json:"args"`
	About  string `json:"about"`
	Serial string `json:"serial"`
}

// maxOpen bounds the questions without an answer; the oldest is forgotten.
const maxOpen = 256

func newSeals() (*seals, error) {
	var key [32]byte
	_, _ = rand.Read(key[:]) // crypto/rand.Read never fails (Go 1.24)
	block, err := aes.NewCipher(key[:])
	if err != nil {
		return nil, fmt.Errorf("make a key for questions: %w", err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, fmt.Errorf("make a key for questions: %w", err)
	}
	return &seals{aead: aead, open: map[string]time.Time{}}, nil
}

// seal makes the state of a question that can be answered for so long.
func (s *seals) seal(about sealed, within time.Duration) (string, error) {
	var serial [16]byte
	_, _ = rand.Read(serial[:])
	about.Serial = hex.EncodeToString(serial[:])
	plain, err := json.Marshal(about)
	if err != nil {
		return "", err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tidy()
	s.open[about.Serial] = time.Now().Add(within)
	return base64.RawURLEncoding.EncodeToString(s.aead.Seal(nil, nil, plain, nil)), nil //nolint:gosec // this AEAD draws a nonce for each
}

// redeem opens a state, once.
func (s *seals) redeem(state string) (sealed, error) {
	raw, err := base64.RawURLEncoding.DecodeString(state)
	if err != nil {
		return sealed{}, errors.New("its state is not one of this server's")
	}
	plain, err := s.aead.Open(nil, nil, raw, nil)
	if err != nil {
		return sealed{}, errors.New("its state was altered, or comes from another run of this server")
	}
	var about sealed
	if err := json.Unmarshal(plain, &about); err != nil {
		return sealed{}, errors.New("its state cannot be read")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	end, ok := s.open[about.Serial]
	delete(s.open, about.Serial)
	switch {
	case !ok:
		return sealed{}, errors.New("it was used already, or is too old")
	case !time.Now().Before(end):
		return sealed{}, errors.New("it came too late")
	}
	return about, nil
}

// tidy forgets what is too old, and the oldest if there are too many.
func (s *seals) tidy() {
	now := time.Now()
	oldest := ""
	for serial, end := range s.open {
		if now.After(end) {
			delete(s.open, serial)
		} else if oldest == "" || end.Before(s.open[oldest]) {
			oldest = serial
		}
	}
	if len(s.open) >= maxOpen {
		delete(s.open, oldest)
	}
}
