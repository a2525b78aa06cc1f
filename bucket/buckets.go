package bucket

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

// parts holds what is being written; it can't be a bucket's name.
const parts = ".parts"

// Buckets is a directory of buckets. Its methods may be called from several goroutines.
type Buckets struct {
	root *os.Root
	next atomic.Int64 // names what is being written
}

// Object is one of a bucket, as List sees it.
type Object struct {
	Key      string
	Size     int64
	Modified time.Time
}

// Open opens the directory at dir, for one process at a time; it makes it, for
// its owner alone, when it is missing.
func Open(dir string) (*Buckets, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make directory of buckets: %w", err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("open directory of buckets: %w", err)
	}
	b := &Buckets{root: root}
	// What a process that died was writing never became an object.
	if err := errors.Join(root.RemoveAll(parts), root.Mkdir(parts, 0o700)); err != nil {
		return nil, errors.Join(fmt.Errorf("clear unfinished objects: %w", err), root.Close())
	}
	return b, nil
}

// Close lets go of the directory.
func (b *Buckets) Close() error { return b.root.Close() }

// Create writes a new object, in place of any that was there: as in S3 it is seen
// when it is complete, at Close. Abandon leaves nothing.
func (b *Buckets) Create(bucket, key string) (*Upload, error) {
	if err := check(bucket, key); err != nil {
		return nil, err
	}
	part := fmt.Sprintf("%s/%d", parts, b.next.Add(1))
	f, err := b.root.OpenFile(part, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, fmt.Errorf("create object %s/%s: %w", bucket, key, err)
	}
	return &Upload{buckets: b, file: f, part: part, bucket: bucket, key: key}, nil
}

// Upload is an object that is being written, by one goroutine.
type Upload struct {
	buckets           *Buckets
	file              *os.File
	part, bucket, key string
}

func (u *Upload) Write(p []byte) (int, error) { return u.file.Write(p) }

// Close completes the object. When it fails there is none.
func (u *Upload) Close() error {
	err := u.file.Close()
	if err == nil {
		err = u.buckets.publish(u.part, u.bucket, u.key)
	}
	if err != nil {
		_ = u.buckets.root.Remove(u.part)
		return fmt.Errorf("complete object %s/%s: %w", u.bucket, u.key, err)
	}
	return nil
}

// Abandon ends the writing without an object.
func (u *Upload) Abandon() {
	_ = u.file.Close()
	_ = u.buckets.root.Remove(u.part)
}

func (b *Buckets) publish(part, bucket, key string) error {
	dir, err := b.open(bucket)
	if err != nil {
		return err
	}
	defer dir.Close()
	if err := makeParents(dir, key); err != nil {
		return err
	}
	if err := plain(dir, key); err != nil {
		return err
	}
	return b.root.Rename(part, bucket+"/"+key)
}

// Append opens an object for adding to its end, and makes it when there is none.
// Every Write is seen at once: S3 has no such thing, but a log of something that
// still goes on is worth reading.
func (b *Buckets) Append(bucket, key string) (io.WriteCloser, error) {
	if err := check(bucket, key); err != nil {
		return nil, err
	}
	f, err := b.openAppend(bucket, key)
	if err != nil {
		return nil, fmt.Errorf("append to object %s/%s: %w", bucket, key, err)
	}
	return f, nil
}

func (b *Buckets) openAppend(bucket, key string) (*os.File, error) {
	dir, err := b.open(bucket)
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	if err := makeParents(dir, key); err != nil {
		return nil, err
	}
	if err := plain(dir, key); err != nil {
		return nil, err
	}
	// Not blocking: a pipe that somebody put there must not hold a session up.
	f, err := dir.OpenFile(key, os.O_WRONLY|os.O_APPEND|os.O_CREATE|syscall.O_NONBLOCK, 0o600)
	if err != nil {
		return nil, err
	}
	if i, err := f.Stat(); err != nil || !i.Mode().IsRegular() {
		_ = f.Close()
		return nil, fmt.Errorf("%w: not a file", ErrKey)
	}
	return f, nil
}

// Read opens an object; fs.ErrNotExist says that there is none.
func (b *Buckets) Read(bucket, key string) (io.ReadCloser, error) {
	if err := check(bucket, key); err != nil {
		return nil, err
	}
	if err := plain(b.root, bucket+"/"+key); err != nil {
		return nil, fmt.Errorf("read object %s/%s: %w", bucket, key, err)
	}
	f, err := b.root.OpenFile(bucket+"/"+key, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("read object %s/%s: %w", bucket, key, err)
	}
	if i, err := f.Stat(); err != nil || !i.Mode().IsRegular() {
		_ = f.Close()
		return nil, fmt.Errorf("read object %s/%s: %w", bucket, key, fs.ErrNotExist)
	}
	return f, nil
}

// List is a bucket's objects whose keys begin with prefix, in the order of their
// keys. A bucket that nobody wrote to has none.
func (b *Buckets) List(bucket, prefix string) ([]Object, error) {
	if err := CheckName(bucket); err != nil {
		return nil, err
	}
	i, err := b.root.Lstat(bucket)
	if errors.Is(err, fs.ErrNotExist) || err == nil && !i.IsDir() {
		return nil, nil
	}
	var out []Object
	err = fs.WalkDir(b.root.FS(), bucket, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		key, below := strings.CutPrefix(name, bucket+"/")
		if !below || !d.Type().IsRegular() || !strings.HasPrefix(key, prefix) {
			return nil
		}
		i, err := d.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil // removed meanwhile
		}
		if err != nil {
			return err
		}
		out = append(out, Object{Key: key, Size: i.Size(), Modified: i.ModTime()})
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list bucket %s: %w", bucket, err)
	}
	slices.SortFunc(out, func(a, b Object) int { return strings.Compare(a.Key, b.Key) })
	return out, nil
}

func check(bucket, key string) error { return errors.Join(CheckName(bucket), CheckKey(key)) }

// open opens a bucket, which it makes when it is missing. A link to another
// directory is no bucket.
func (b *Buckets) open(bucket string) (*os.Root, error) {
	if err := b.root.Mkdir(bucket, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	i, err := b.root.Lstat(bucket)
	if err != nil {
		return nil, err
	}
	if !i.IsDir() {
		return nil, fmt.Errorf("%w: %q is not a directory", ErrBucketName, bucket)
	}
	return b.root.OpenRoot(bucket)
}

func makeParents(dir *os.Root, key string) error {
	if parent := path.Dir(key); parent != "." {
		return dir.MkdirAll(parent, 0o700)
	}
	return nil
}

// plain refuses a key that is a link or lies below one: os.Root keeps links from
// leading outside, this from one bucket or prefix into another.
func plain(dir *os.Root, key string) error {
	for i, c := range key {
		if c != '/' {
			continue
		}
		info, err := dir.Lstat(key[:i])
		if err != nil {
			return err
		}
		if !info.IsDir() {
			return fmt.Errorf("%w: %q is not a directory", ErrKey, key[:i])
		}
	}
	info, err := dir.Lstat(key)
	if err == nil && !info.Mode().IsRegular() {
		return fmt.Errorf("%w: there is something else than an object at that key", ErrKey)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
