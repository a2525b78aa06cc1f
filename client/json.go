package client

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// CallJSON calls one operation of a service that speaks AWS JSON 1.1, such as
// Systems Manager's AmazonSSM.StartSession: target names both. What is asked and
// what is answered are anything that encoding/json knows. A refusal by the API is
// an *Error; anything else went wrong on the way.
func (c *Client) CallJSON(ctx context.Context, service, target string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return fmt.Errorf("make request: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.Endpoint+"/", bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("make request: %w", err)
	}
	req.Header.Set("Content-Type", "application/x-amz-json-1.1")
	req.Header.Set("X-Amz-Target", target)
	sum := sha256.Sum256(body)
	key := aws.Credentials{AccessKeyID: c.AccessKey, SecretAccessKey: c.Secret}
	if err := v4.NewSigner().SignHTTP(ctx, key, req, hex.EncodeToString(sum[:]), service, c.Region, time.Now()); err != nil {
		return fmt.Errorf("sign request: %w", err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("call %s: %w", target, err)
	}
	defer res.Body.Close()
	doc, err := io.ReadAll(io.LimitReader(res.Body, answerLimit))
	if err != nil {
		return fmt.Errorf("read answer to %s: %w", target, err)
	}
	if res.StatusCode != http.StatusOK {
		return jsonError(target, res.StatusCode, doc)
	}
	if err := json.Unmarshal(doc, out); err != nil {
		return fmt.Errorf("read answer to %s: %w", target, err)
	}
	return nil
}

// jsonError reads a refusal. Its type may stand behind a namespace and a hash sign.
func jsonError(target string, status int, doc []byte) error {
	var e struct {
		Type    string `json:"__type"`
		Message string `json:"message"`
	}
	if err := json.Unmarshal(doc, &e); err != nil || e.Type == "" {
		return fmt.Errorf("read answer to %s: HTTP %d: %.200q", target, status, doc)
	}
	return &Error{Status: status, Code: e.Type[strings.LastIndex(e.Type, "#")+1:], Message: e.Message}
}
