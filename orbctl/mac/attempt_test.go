package mac

import (
	"io"
	"net"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"orbstack-mcp/orbctl/guest"
)

func TestAHostThatNeverEndsItsHeadersFillsNoMemory(t *testing.T) {
	line := "X-Filler: " + strings.Repeat("a", 4000) + "\r\n"
	port := raw(t, func(c net.Conn) {
		_, _ = c.Read(make([]byte, 4096))
		_, err := io.WriteString(c, "HTTP/1.1 200 OK\r\n")
		for sent := 0; err == nil && sent < 64<<20; sent += len(line) {
			_, err = io.WriteString(c, line)
		}
		assert.Error(t, err, "the client left before 64 MiB")
		_ = c.Close()
	})
	r := try(t, guest.ConnectivityQuery{Method: guest.HTTP, URL: "http://127.0.0.1:" + strconv.Itoa(port) + "/"})
	assert.Equal(t, guest.HTTPError, r.Verdict, r.Legs[0].Detail)
}
