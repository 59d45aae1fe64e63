package tools

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"

	"orbstack-mcp/internal/stdio"
)

// A ConfirmPolicy is what happens where a person has to agree.
type ConfirmPolicy string

// The policies. The zero value is as ConfirmDeny.
const (
	ConfirmAsk   ConfirmPolicy = "ask"   // the client asks its user; a client that cannot is refused
	ConfirmDeny  ConfirmPolicy = "deny"  // always refused
	ConfirmAllow ConfirmPolicy = "allow" // the user has agreed to everything when starting the server
)

// A Question is what a person has to agree to.
type Question struct {
	// About is what the answer is bound to beside the tool and its arguments: the
	// ID of the machine. If it is another one when the answer comes, the answer is void.
	About string
	// Plan is what the person reads: what is going to happen, to what, and what is
	// lost. Text from outside in it is one clean line.
	Plan string
	// Instead is for who may not ask: what the user can do without this server.
	Instead string
}

// An asking is a Question that nobody has answered yet, as an error that ends the
// tool's function. The function runs again when the answer is there; it has done
// nothing so far.
type asking struct {
	question Question
	state    string // sealed
}

func (a *asking) Error() string { return "a person has to agree first" }

// answerKey is under what the client returns the answer.
const answerKey = "agreement"

// form asks for a yes and nothing else. What a model could fill in is no yes.
func (a *asking) form() mcp.ElicitationParams {
	return mcp.ElicitationParams{
		Message:         a.question.Plan,
		RequestedSchema: map[string]any{"type": "object", "properties": map[string]any{}},
	}
}

// required is the question as the result of a call in the era of 2026-07-28, in
// which the client asks its user and calls again.
func (a *asking) required() *mcp.CallToolResult {
	return server.NewInputRequestBuilder(a.state).Elicit(answerKey, a.form()).ToolResult()
}

// A consent asks on behalf of one call, at most once.
type consent struct {
	policy  ConfirmPolicy
	within  time.Duration
	canAsk  bool
	seals   *seals
	tool    string
	digest  string // of the arguments
	state   string // what came back with the answer; "" for a first call
	answer  *mcp.ElicitationResult
	settled *Question // agreed to in this call
}

// newConsent reads what the client sent along.
func (s *toolServer) newConsent(ctx context.Context, t Tool, args json.RawMessage, req mcp.CallToolRequest) *consent {
	sum := sha256.Sum256(args)
	c := &consent{
		policy: s.options.Confirm, within: s.options.ConfirmWithin, canAsk: canAsk(ctx), seals: s.seals,
		tool: t.Name, digest: hex.EncodeToString(sum[:]), state: req.Params.RequestState,
	}
	c.answer = server.ElicitationResponse(req.Params.InputResponses, answerKey)
	return c
}

// canAsk reports whether the client said that it can ask its user with a form: in
// initialize, or in the request itself.
func canAsk(ctx context.Context) bool {
	session, ok := server.ClientSessionFromContext(ctx).(server.SessionWithClientInfo)
	if !ok {
		return false
	}
	return stdio.CanAskByForm(session.GetClientCapabilities().Elicitation)
}

// Confirm is nil once a person has agreed to just this. The tool's function
// returns any other error as it is.
func (c *consent) Confirm(q Question) error {
	switch {
	case c.policy == ConfirmAllow:
		return nil
	case c.policy != ConfirmAsk:
		return &failure{
			Code: notAllowed, Message: "A person has to agree to this, and this server was started with --confirm deny: " + q.Plan + " Nothing was changed.",
			Hint: "Tell the user what you wanted to do. " + q.Instead, Details: details{Flag: "--confirm"},
		}
	case c.settled != nil && *c.settled == q:
		return nil
	case c.state == "" && c.answer == nil:
		return c.ask(q)
	}
	if err := c.check(q); err != nil {
		return err
	}
	c.settled = &q
	return nil
}

func (c *consent) ask(q Question) error {
	if !c.canAsk {
		return &failure{
			Code:    confirmationUnavailable,
			Message: "A person has to agree to this, and the client did not say that it can ask one: " + q.Plan + " Nothing was changed.",
			Hint:    "Tell the user what you wanted to do and why. " + q.Instead,
		}
	}
	state, err := c.seals.seal(sealed{Tool: c.tool, Args: c.digest, About: q.About}, c.within)
	if err != nil {
		return fmt.Errorf("seal a question: %w", err)
	}
	return &asking{question: q, state: state}
}

// check holds an answer to the question as it is now. Whatever it says, it counts
// once.
func (c *consent) check(q Question) error {
	was, err := c.seals.redeem(c.state)
	if err != nil || was.Tool != c.tool || was.Args != c.digest {
		why := "it belongs to other arguments than it was given for"
		if err != nil {
			why = err.Error()
		}
		return &failure{
			Code:    confirmationExpired,
			Message: "The answer that came with this call does not count: " + why + ". Nothing was changed.",
			Hint:    "Call again without it, and the user is asked anew.",
		}
	}
	if was.About != q.About {
		return &failure{
			Code:    "machine_changed",
			Message: "The machine is another one now than the one that the person was asked about. Nothing was changed.",
			Hint:    "Look at it with vm_list, and start over if it is still wanted.",
		}
	}
	if c.answer == nil || c.answer.Action != mcp.ElicitationResponseActionAccept {
		return declined(c.answer)
	}
	return nil
}

func declined(answer *mcp.ElicitationResult) *failure {
	what := "The answer was no."
	switch {
	case answer == nil:
		what = "The client came back without an answer, which counts as no."
	case answer.Action == mcp.ElicitationResponseActionCancel:
		what = "The question was closed without an answer, which counts as no."
	}
	return &failure{
		Code:    confirmationDeclined,
		Message: what + " Nothing was changed.",
		Hint:    "Do not try again unasked. Some clients answer no by themselves and show nobody anything: tell the user what you wanted to do.",
	}
}

// askLegacy asks the user of a client of an earlier era, who answers while the
// call waits, and puts the answer into req as later clients do.
func (s *toolServer) askLegacy(ctx context.Context, a *asking, req *mcp.CallToolRequest) *failure {
	session, ok := server.ClientSessionFromContext(ctx).(server.SessionWithElicitation)
	if !ok {
		return &failure{Code: confirmationUnavailable, Message: "A person has to agree to this, and there is no way to ask one here: " + a.question.Plan, Hint: a.question.Instead}
	}
	patient, cancel := context.WithTimeout(ctx, s.options.ConfirmWithin)
	defer cancel()
	answer, err := session.RequestElicitation(patient, mcp.ElicitationRequest{Params: a.form()})
	var refused *stdio.ClientError
	switch {
	case err == nil:
	case ctx.Err() != nil:
		return explain(context.Cause(ctx))
	case patient.Err() != nil:
		return &failure{
			Code:    confirmationExpired,
			Message: fmt.Sprintf("Nobody answered within %s. Nothing was changed.", s.options.ConfirmWithin),
			Hint:    "Tell the user what you wanted to do, and call again when they are there to answer.",
		}
	case errors.As(err, &refused):
		return &failure{
			Code: confirmationUnavailable, Message: "A person has to agree to this, and the client would not ask one. Nothing was changed.",
			Hint: "Tell the user what you wanted to do and why. " + a.question.Instead, Details: details{Output: clip(refused.Message)},
		}
	default:
		return &failure{
			Code: confirmationUnavailable, Message: "A person has to agree to this, and asking one failed: " + clip(err.Error()) + ". Nothing was changed.",
			Hint: "Tell the user what you wanted to do and why. " + a.question.Instead,
		}
	}
	req.Params.RequestState = a.state
	req.Params.InputResponses = mcp.InputResponses{answerKey: mcp.NewElicitationInputResponse(*answer)}
	return nil
}

// modern reports the era in which a server may not ask during a call.
func modern(ctx context.Context) bool {
	return mcp.IsModernProtocol(server.RequestProtocolVersion(ctx))
}
