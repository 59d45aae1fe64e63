package stdio

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
	"testing"
)

func BenchmarkRoundTrip(b *testing.B) {
	for _, e := range eras {
		for _, size := range []int{16, 64 << 10} {
			b.Run(fmt.Sprintf("%s/%d", e.name, size), func(b *testing.B) {
				c := serveDeaf(b, newFixture().MCPServer, Options{})
				out := bufio.NewReaderSize(c.out, 1<<20)
				text := fmt.Sprintf(`{"text":"%0*d"}`, size, 0)
				_, _ = io.WriteString(c.in, initialize+"\n")
				_, _ = out.ReadSlice('\n')
				b.ReportAllocs()
				for i := 0; b.Loop(); i++ {
					if _, err := io.WriteString(c.in, e.call(strconv.Itoa(i), "echo", text)+"\n"); err != nil {
						b.Fatal(err)
					}
					if _, err := out.ReadSlice('\n'); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
