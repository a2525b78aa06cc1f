package guest

import (
	"errors"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// Terminal is our end of a program's terminal.
type Terminal struct{ file *os.File }

// newTerminal makes reads interruptible by Close.
func newTerminal(file *os.File) *Terminal {
	fd, err := unix.Dup(int(file.Fd()))
	if err != nil {
		return &Terminal{file}
	}
	file.Close()
	unix.CloseOnExec(fd)
	unix.SetNonblock(fd, true)
	return &Terminal{os.NewFile(uintptr(fd), "terminal")}
}

// Read gives what the program prints; io.EOF when nobody holds the other end any
// more, for which the kernel says EIO.
func (t *Terminal) Read(p []byte) (int, error) {
	n, err := t.file.Read(p)
	if errors.Is(err, unix.EIO) {
		err = io.EOF
	}
	return n, err
}

// Write types.
func (t *Terminal) Write(p []byte) (int, error) { return t.file.Write(p) }

// Close hangs up.
func (t *Terminal) Close() error { return t.file.Close() }
