package channel

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"strings"
	"testing"
)

// vector is a frame worked out by hand from the layout.
const vector = "00000074" + "696e7075745f73747265616d5f64617461" + "202020202020202020202020202020" +
	"00000001" + "0000019abcdef012" + "0000000000000007" + "0000000000000000" +
	"8899aabbccddeeff" + "0011223344556677" +
	"d53ca1ea7dce87c11432052a8550ed2615cf715ca843c89710ed83325b691cba" +
	"00000003" + "00000015" + "7b22636f6c73223a38302c22726f7773223a32347d"

func vectorFrame(t testing.TB) []byte {
	frame, err := hex.DecodeString(vector)
	if err != nil {
		t.Fatal(err)
	}
	return frame
}

func vectorMessage() Message {
	return Message{Type: Input, Sequence: 7, Created: 0x19abcdef012, Payload: Resize, Content: []byte(`{"cols":80,"rows":24}`),
		ID: ID{0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff}}
}

func equal(a, b Message) bool {
	return a.Type == b.Type && a.Sequence == b.Sequence && a.Flags == b.Flags && a.ID == b.ID &&
		a.Created == b.Created && a.Payload == b.Payload && bytes.Equal(a.Content, b.Content)
}

func TestAFrameIsLaidOutAsThePluginReadsIt(t *testing.T) {
	if got := vectorMessage().Append(nil); !bytes.Equal(got, vectorFrame(t)) {
		t.Errorf("made\n%x\nwant\n%s", got, vector)
	}
	got, err := Decode(vectorFrame(t))
	if err != nil || !equal(got, vectorMessage()) {
		t.Errorf("read %+v, %v", got, err)
	}
	if got.ID.String() != "00112233-4455-6677-8899-aabbccddeeff" {
		t.Errorf("id is %s", got.ID)
	}
}

func TestAppendKeepsWhatStandsBefore(t *testing.T) {
	frame := vectorMessage().Append([]byte("before"))
	if !bytes.Equal(frame, append([]byte("before"), vectorFrame(t)...)) {
		t.Errorf("made %x", frame)
	}
}

func TestAMalformedFrameIsRefused(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func([]byte) []byte
		want   error
	}{
		{"nothing", func([]byte) []byte { return nil }, ErrShort},
		{"half a header", func(f []byte) []byte { return f[:HeaderSize-1] }, ErrShort},
		{"a longer header", func(f []byte) []byte { f[3]++; return f }, ErrHeader},
		{"a huge header", func(f []byte) []byte { f[0] = 0xff; return f }, ErrHeader},
		{"another schema", func(f []byte) []byte { f[39] = 2; return f }, ErrHeader},
		{"no date", func(f []byte) []byte { clear(f[40:48]); return f }, ErrHeader},
		{"a date before time", func(f []byte) []byte { f[40] = 0x80; return f }, ErrHeader},
		{"no type", func(f []byte) []byte { copy(f[4:36], strings.Repeat(" ", 32)); return f }, ErrHeader},
		{"a negative sequence number", func(f []byte) []byte { f[48] = 0x80; return f }, ErrSequence},
		{"a changed byte", func(f []byte) []byte { f[130] ^= 1; return f }, ErrDigest},
		{"a changed digest", func(f []byte) []byte { f[80] ^= 1; return f }, ErrDigest},
		{"a byte too many", func(f []byte) []byte { return append(f, 0) }, ErrLength},
		{"a byte too few", func(f []byte) []byte { return f[:len(f)-1] }, ErrLength},
		{"a length beyond all memory", func(f []byte) []byte { copy(f[116:], "\xff\xff\xff\xff"); return f }, ErrLength},
		{"too much", func([]byte) []byte {
			m := vectorMessage()
			m.Content = make([]byte, MaxContent+1)
			return m.Append(nil)
		}, ErrTooLong},
	} {
		if m, err := Decode(c.change(vectorFrame(t))); !errors.Is(err, c.want) || m.Content != nil {
			t.Errorf("%s: %+v, %v; want %v", c.name, m, err, c.want)
		}
	}
}

func TestAnEmptyMessageNeedsNoDigest(t *testing.T) {
	m := vectorMessage()
	m.Content = nil
	frame := m.Append(nil)
	clear(frame[atDigest:atPayload])
	if got, err := Decode(frame); err != nil || !equal(got, m) {
		t.Errorf("read %+v, %v", got, err)
	}
}

func TestTheTypeMayBePaddedWithNULs(t *testing.T) {
	frame := vectorFrame(t)
	clear(frame[4+len(Input) : 36])
	if got, err := Decode(frame); err != nil || got.Type != Input {
		t.Errorf("read %+v, %v", got, err)
	}
}

func TestTheLargestContentFitsAFrame(t *testing.T) {
	m := vectorMessage()
	m.Content = bytes.Repeat([]byte{1}, MaxContent)
	frame := m.Append(nil)
	if len(frame) != MaxFrame {
		t.Errorf("%d bytes", len(frame))
	}
	if got, err := Decode(frame); err != nil || !equal(got, m) {
		t.Errorf("read %v", err)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(vectorFrame(f))
	f.Add(vectorFrame(f)[:HeaderSize])
	f.Add([]byte{})
	server, now := New(Config{Role: Server}), start
	server.Send(Request, Marshal(NewHandshakeRequest("3.3.987.0", SessionType{SessionType: Port})))
	frame, _ := server.Next(now)
	f.Add(frame)
	server.Close(now, "root-1", "gone")
	frame, _ = server.Next(now.Add(drainTime))
	f.Add(frame)
	f.Fuzz(func(t *testing.T, frame []byte) {
		hostile(t, frame)
		hostile(t, repaired(frame))
	})
}

// repaired is a frame whose lengths and digest are right, so that what is behind
// them is reached too.
func repaired(frame []byte) []byte {
	if len(frame) < HeaderSize || len(frame) > MaxFrame {
		return nil
	}
	frame = bytes.Clone(frame)
	sum := sha256.Sum256(frame[HeaderSize:])
	copy(frame[atDigest:], sum[:])
	binary.BigEndian.PutUint32(frame, atLength)
	binary.BigEndian.PutUint32(frame[atSchema:], schemaVersion)
	binary.BigEndian.PutUint32(frame[atLength:], uint32(len(frame)-HeaderSize))
	return frame
}

func hostile(t *testing.T, frame []byte) {
	m, err := Decode(frame)
	if err == nil {
		again := m.Append(nil)
		if got, err := Decode(again); err != nil || !equal(got, m) {
			t.Fatalf("%+v became %+v, %v", m, got, err)
		}
	}
	// Whatever it is, no end of a channel may fall over it, and one that
	// refuses it must not have changed.
	for _, role := range []Role{Server, Client} {
		l := New(Config{Role: role, Forgive: 1})
		l.Send(Bytes, []byte("x"))
		l.Next(start)
		refused := l.Receive(start, frame) != nil
		_, took := l.Take()
		_, closed := l.Closure()
		if refused && (took || closed || l.Drained()) {
			t.Fatalf("a refused frame changed the line: %+v", m)
		}
		l.Attach(start)
		for range 8 {
			l.Next(start.Add(drainTime))
		}
	}
}
