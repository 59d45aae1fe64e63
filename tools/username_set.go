package tools

import "context"

func usernameSet() Tool {
	return Do(Tool{
		Name: "vm_username_set", Title: "Change a machine's default user",
		Family: Config, Effect: Changes, Idempotent: true,
		Doc: "Changes the user that commands and shells in a machine run as. Use when orb says \"unknown user\", or somebody wants to log in as another user. " +
			"It does not create the user; vm_status_detailed shows the users there are.",
	}, setUsername)
}

type usernameIn struct {
	Machine  string `json:"machine" jsonschema_description:"Machine name."`
	Username string `json:"username" jsonschema_description:"A user that exists in the machine."`
}

type usernameOut struct {
	Machine string `json:"machine"`
	Before  string `json:"before"`
	After   string `json:"after" jsonschema_description:"As read back."`
	Changed bool   `json:"changed"`
	Checked bool   `json:"checked" jsonschema_description:"Whether the machine was asked if it has this user: only a running one can be."`
	Undo    string `json:"undo,omitempty"`
	Warning string `json:"warning,omitempty"`
}

func setUsername(ctx context.Context, c *Call, in usernameIn) (usernameOut, error) {
	change, err := c.Orb.SetUsername(ctx, in.Machine, in.Username)
	if err != nil {
		return usernameOut{}, err
	}
	return usernameOut{
		Machine: change.Machine, Before: change.Before.Value, After: change.After.Value, Changed: change.Changed,
		Checked: change.Users != nil && change.Users.Checked, Undo: undo(change), Warning: warning(change),
	}, nil
}
