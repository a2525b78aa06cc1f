package guest

import (
	"fmt"
	"io"
	"os"
	"sync"
)

// GetConsoleOutput gives the latest 64 KB (AWS: GetConsoleOutput). The log on disk
// grows to a few times that before its beginning is dropped.
const consoleKept, consoleMax = 64 << 10, 256 << 10

// console is the log of what an instance prints while it boots. Process 1 writes
// it; programs inside only ever hold a pipe to it.
type console struct {
	mu   sync.Mutex
	file *os.File
	size int64
}

func newConsole(file *os.File) *console {
	c := &console{file: file}
	if info, err := file.Stat(); err == nil {
		c.size = info.Size()
	}
	return c
}

// Write appends; it never fails, because a full disk must not stop a boot.
func (c *console) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.size > consoleMax {
		c.shorten()
	}
	n, _ := c.file.Write(p)
	c.size += int64(n)
	return len(p), nil
}

func (c *console) shorten() {
	tail := make([]byte, consoleKept)
	n, err := c.file.ReadAt(tail, c.size-consoleKept)
	if err != nil && err != io.EOF || c.file.Truncate(0) != nil {
		return
	}
	c.size = 0
	if n, err := c.file.Write(tail[:n]); err == nil {
		c.size = int64(n)
	}
}

// say writes a line of process 1's own.
func (c *console) say(format string, args ...any) { fmt.Fprintf(c, format+"\r\n", args...) }

// copyPipe copies what is written into a named pipe. It is opened for writing too,
// so that it never ends.
func (c *console) copyPipe(path string) {
	pipe, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return
	}
	defer pipe.Close()
	io.Copy(c, pipe)
}

// readConsole gives the end of a log.
func readConsole(file *os.File) ([]byte, error) {
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	return io.ReadAll(io.NewSectionReader(file, max(0, info.Size()-consoleKept), consoleKept))
}
