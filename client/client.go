// Package client is a small signed client of the EC2 API for the command line
// and the lab: it posts a form and reads the answer as a tree. It is no SDK: it
// knows no operation and keeps no state, and it never talks to the daemon by any
// other way than a stranger's tool would.
package client

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// Client calls one daemon with one access key.
type Client struct {
	Endpoint  string // for example http://127.0.0.1:4566
	Region    string
	AccessKey string
	Secret    string
	Via       http.RoundTripper // how requests travel; nil is the network
}

// Error is an answer of the API that is not success, in AWS's words.
type Error struct {
	Status  int
	Code    string
	Message string
}

func (e *Error) Error() string { return e.Code + ": " + e.Message }

// answerLimit bounds what is read of one answer, in bytes.
const answerLimit = 64 << 20

// Call posts one action with parameters given as name, value, name, value…
// A refusal by the API is an *Error; anything else went wrong on the way.
func (c *Client) Call(ctx context.Context, action string, params ...string) (*Node, error) {
	form := url.Values{"Action": {action}, "Version": {"2016-11-15"}}
	for i := 0; i+1 < len(params); i += 2 {
		form.Set(params[i], params[i+1])
	}
	body := form.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.Endpoint+"/", strings.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("make request: %w", err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	sum := sha256.Sum256([]byte(body))
	key := aws.Credentials{AccessKeyID: c.AccessKey, SecretAccessKey: c.Secret}
	if err := v4.NewSigner().SignHTTP(ctx, key, req, hex.EncodeToString(sum[:]), "ec2", c.Region, time.Now()); err != nil {
		return nil, fmt.Errorf("sign request: %w", err)
	}
	res, err := (&http.Client{Transport: c.Via}).Do(req)
	if err != nil {
		return nil, fmt.Errorf("call %s: %w", action, err)
	}
	defer res.Body.Close()
	doc, err := io.ReadAll(io.LimitReader(res.Body, answerLimit))
	if err != nil {
		return nil, fmt.Errorf("read answer to %s: %w", action, err)
	}
	tree, err := parse(doc)
	if err != nil {
		return nil, fmt.Errorf("read answer to %s (HTTP %d): %w", action, res.StatusCode, err)
	}
	if res.StatusCode != http.StatusOK {
		return nil, &Error{Status: res.StatusCode, Code: tree.Text("Errors.Error.Code"), Message: tree.Text("Errors.Error.Message")}
	}
	return tree, nil
}

// Node is one element of an answer.
type Node struct {
	Name  string
	Value string
	Kids  []*Node
}

// At is the first element that a path of names, joined by dots, leads to. It is
// an empty Node when there is none, so that paths can be chained.
func (n *Node) At(path string) *Node {
	for name := range strings.SplitSeq(path, ".") {
		n = n.kid(name)
	}
	return n
}

func (n *Node) kid(name string) *Node {
	for _, k := range n.Kids {
		if k.Name == name {
			return k
		}
	}
	return &Node{}
}

// Text is the text of the element at path, or "".
func (n *Node) Text(path string) string { return n.At(path).Value }

// Items are the items of the list at path.
func (n *Node) Items(path string) []*Node {
	var out []*Node
	for _, k := range n.At(path).Kids {
		if k.Name == "item" {
			out = append(out, k)
		}
	}
	return out
}

// Tag is the value of a resource's tag, or "".
func (n *Node) Tag(key string) string {
	for _, t := range n.Items("tagSet") {
		if t.Text("key") == key {
			return t.Text("value")
		}
	}
	return ""
}

func parse(doc []byte) (*Node, error) {
	dec := xml.NewDecoder(bytes.NewReader(doc))
	root := &Node{}
	stack := []*Node{root}
	for {
		tok, err := dec.Token()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, err
		}
		top := stack[len(stack)-1]
		switch tok := tok.(type) {
		case xml.StartElement:
			kid := &Node{Name: tok.Name.Local}
			top.Kids = append(top.Kids, kid)
			stack = append(stack, kid)
		case xml.CharData:
			top.Value += string(tok)
		case xml.EndElement:
			if len(top.Kids) > 0 {
				top.Value = ""
			}
			stack = stack[:len(stack)-1]
		}
	}
	if len(root.Kids) != 1 {
		return nil, fmt.Errorf("not an answer of the API: %.80q", doc)
	}
	return root.Kids[0], nil
}
