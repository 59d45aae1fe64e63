package guest

import (
	"os"
	"testing"

	"go.uber.org/goleak"
)

// worldEnv is the folder of the world in which this binary was started again (Linux).
const worldEnv = "GUEST_TEST_WORLD"

// In a world of its own this binary is also the servers of it, which end with it.
func TestMain(m *testing.M) {
	if os.Getenv(worldEnv) != "" {
		os.Exit(m.Run())
	}
	goleak.VerifyTestMain(m)
}
