package iam

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"tombolo/gate"
	"tombolo/network"
	"tombolo/store"
)

const host = "127.0.0.1:4566"

// memory is a Keeper that can fail.
type memory struct {
	kept  store.Credentials
	fails error
}

func (m *memory) SetCredentials(c store.Credentials) error {
	if m.fails != nil {
		return m.fails
	}
	m.kept = c
	return nil
}

// echo stands for EC2: it says who called.
type echo struct{}

func (echo) Serve(w http.ResponseWriter, r *gate.Request) { fmt.Fprint(w, r.Who.ARN) }

func (echo) Refuse(w http.ResponseWriter, _ *gate.Request, why *gate.Refusal) {
	w.WriteHeader(why.Status)
	fmt.Fprint(w, why.Code)
}

// site is two accounts behind a door, and a clock.
type site struct {
	*Accounts
	t           *testing.T
	keeper      *memory
	now         time.Time
	door        *gate.Gate
	first, next aws.Credentials
	sales       network.Account
}

func newSite(t *testing.T) *site {
	s := &site{t: t, keeper: &memory{}, now: time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)}
	key := store.NewKey(store.FirstAccount)
	s.Accounts = NewAccounts(store.Credentials{Keys: []store.Key{key}, Accounts: []store.Account{{ID: store.FirstAccount, Name: store.FirstName}}, Seal: "hush"}, s.keeper)
	made, other, err := s.Add("sales")
	if err != nil {
		t.Fatal(err)
	}
	s.first, s.next, s.sales = aws.Credentials{AccessKeyID: key.ID, SecretAccessKey: string(key.Secret)}, aws.Credentials{AccessKeyID: other.ID, SecretAccessKey: string(other.Secret)}, made.ID
	s.open(false)
	return s
}

// open puts the services behind a door that verifies, or does not.
func (s *site) open(all bool) {
	clock := func() time.Time { return s.now }
	sts, iam := NewSTS(s.Accounts), NewIAM(s.Accounts)
	sts.Open, iam.Open = all, all
	sts.Now, iam.Now = clock, clock
	s.door = &gate.Gate{Services: map[string]gate.Service{"ec2": echo{}, "sts": sts, "iam": iam}, Keys: s.Accounts, Known: s.Believed(),
		Hosts: []string{host}, Account: store.FirstAccount, Region: "us-east-1", Now: clock}
	if all {
		s.door.Keys = nil
	}
}

// ask signs a form and gives the answer.
func (s *site) ask(who aws.Credentials, service, form string) (int, string) {
	s.t.Helper()
	r := httptest.NewRequest(http.MethodPost, "http://"+host+"/", strings.NewReader(form))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	sum := sha256.Sum256([]byte(form))
	if err := v4.NewSigner().SignHTTP(context.Background(), who, r, hex.EncodeToString(sum[:]), service, "us-east-1", s.now); err != nil {
		s.t.Fatal(err)
	}
	w := httptest.NewRecorder()
	s.door.ServeHTTP(w, r)
	return w.Code, w.Body.String()
}

func element(body, name string) string {
	m := regexp.MustCompile("<" + name + ">([^<]*)</" + name + ">").FindStringSubmatch(body)
	if m == nil {
		return ""
	}
	return m[1]
}

// session reads temporary credentials out of an answer.
func session(body string) aws.Credentials {
	return aws.Credentials{AccessKeyID: element(body, "AccessKeyId"), SecretAccessKey: element(body, "SecretAccessKey"), SessionToken: element(body, "SessionToken")}
}

func assume(account network.Account, role string) string {
	return "Action=AssumeRole&Version=2011-06-15&RoleSessionName=me&RoleArn=" + url.QueryEscape("arn:aws:iam::"+string(account)+":role/"+role)
}

const whoAmI = "Action=GetCallerIdentity&Version=2011-06-15"

func TestWithoutATrustNobodyAssumesARole(t *testing.T) {
	s := newSite(t)
	want := "User: arn:aws:iam::123456789012:root is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::" + string(s.sales) + ":role/Accepter"
	refused := func(who aws.Credentials, account network.Account, role string) {
		t.Helper()
		status, body := s.ask(who, "sts", assume(account, role))
		if status != 403 || element(body, "Code") != "AccessDenied" || element(body, "Type") != "Sender" {
			t.Errorf("%d %s", status, body)
		}
	}
	status, body := s.ask(s.first, "sts", assume(s.sales, "Accepter"))
	if status != 403 || element(body, "Message") != want {
		t.Errorf("%d %s", status, body)
	}
	if err := s.Trust(s.sales, store.FirstAccount, "Accepter", s.now); err != nil {
		t.Fatal(err)
	}
	refused(s.first, s.sales, "Other")              // another role
	refused(s.next, store.FirstAccount, "Accepter") // the other way round
	refused(s.next, s.sales, "Accepter")            // its own role, which trusts another account
	refused(s.first, "999999999999", "Accepter")    // an account that does not exist
	refused(s.first, s.sales, "some/path/Accepter") // a role of another path
	if status, body := s.ask(s.first, "sts", assume(s.sales, "Accepter")); status != 200 {
		t.Fatalf("%d %s", status, body)
	}
	if err := s.Distrust(s.sales, store.FirstAccount, "Accepter"); err != nil {
		t.Fatal(err)
	}
	refused(s.first, s.sales, "Accepter")
	if err := s.Distrust(s.sales, store.FirstAccount, "Accepter"); !errors.Is(err, ErrNoTrust) {
		t.Errorf("%v", err)
	}
}

func TestASessionActsForTheAccountUntilItExpires(t *testing.T) {
	s := newSite(t)
	if err := s.Trust(s.sales, store.FirstAccount, "Accepter", s.now); err != nil {
		t.Fatal(err)
	}
	status, body := s.ask(s.first, "sts", assume(s.sales, "Accepter")+"&DurationSeconds=900")
	me := session(body)
	if status != 200 || !strings.HasPrefix(me.AccessKeyID, "ASIA") || len(me.AccessKeyID) != 20 || len(me.SecretAccessKey) != 40 || element(body, "Expiration") != "2026-11-22T12:15:00Z" {
		t.Fatalf("%d %s", status, body)
	}
	arn := "arn:aws:sts::" + string(s.sales) + ":assumed-role/Accepter/me"
	if element(body, "Arn") != arn {
		t.Errorf("%s", body)
	}
	status, body = s.ask(me, "sts", whoAmI)
	if status != 200 || element(body, "Arn") != arn || element(body, "Account") != string(s.sales) || !regexp.MustCompile(`^AROA[A-Z2-7]{17}:me$`).MatchString(element(body, "UserId")) {
		t.Errorf("%d %s", status, body)
	}
	if status, body = s.ask(me, "ec2", "Action=DescribeVpcs"); status != 200 || body != arn {
		t.Errorf("%d %s", status, body)
	}
	for name, change := range map[string]func(*aws.Credentials){
		"without its token":     func(c *aws.Credentials) { c.SessionToken = "" },
		"with half a token":     func(c *aws.Credentials) { c.SessionToken = c.SessionToken[:len(c.SessionToken)/2] },
		"with a changed token":  func(c *aws.Credentials) { c.SessionToken = "A" + c.SessionToken[1:] + "AAAA" },
		"with another's key id": func(c *aws.Credentials) { c.AccessKeyID = s.first.AccessKeyID },
	} {
		forged := me
		change(&forged)
		if status, body := s.ask(forged, "ec2", "x"); status != 401 || body != "AuthFailure" {
			t.Errorf("%s: %d %s", name, status, body)
		}
		if status, body := s.ask(forged, "sts", whoAmI); status != 403 || element(body, "Code") != "InvalidClientTokenId" {
			t.Errorf("%s: %d %s", name, status, body)
		}
	}
	forged := me
	forged.SecretAccessKey = "x"
	if status, body := s.ask(forged, "ec2", "x"); status != 403 || body != "SignatureDoesNotMatch" {
		t.Errorf("%d %s", status, body)
	}
	// A daemon that starts again on the same file knows the session.
	s.Accounts = NewAccounts(s.keeper.kept, s.keeper)
	s.open(false)
	s.now = s.now.Add(899 * time.Second)
	if status, body := s.ask(me, "ec2", "x"); status != 200 {
		t.Errorf("%d %s", status, body)
	}
	s.now = s.now.Add(time.Second)
	if status, body := s.ask(me, "ec2", "x"); status != 400 || body != "RequestExpired" {
		t.Errorf("%d %s", status, body)
	}
	if status, body := s.ask(me, "sts", whoAmI); status != 403 || element(body, "Code") != "ExpiredToken" {
		t.Errorf("%d %s", status, body)
	}
}

func TestGetSessionTokenIsForTheAccountItself(t *testing.T) {
	s := newSite(t)
	status, body := s.ask(s.first, "sts", "Action=GetSessionToken&Version=2011-06-15")
	me := session(body)
	if status != 200 || element(body, "Expiration") != "2026-11-22T13:00:00Z" { // an hour is all that the root user gets
		t.Fatalf("%d %s", status, body)
	}
	if status, body = s.ask(me, "sts", whoAmI); status != 200 || element(body, "Arn") != "arn:aws:iam::123456789012:root" {
		t.Errorf("%d %s", status, body)
	}
	if status, body = s.ask(me, "sts", "Action=GetSessionToken&Version=2011-06-15"); status != 403 || element(body, "Message") != "Cannot call GetSessionToken with session credentials" {
		t.Errorf("%d %s", status, body)
	}
}

func TestSTSRefusesWhatAWSRefuses(t *testing.T) {
	s := newSite(t)
	if err := s.Trust(s.sales, store.FirstAccount, "Accepter", s.now); err != nil {
		t.Fatal(err)
	}
	ok := assume(s.sales, "Accepter")
	for form, want := range map[string]string{
		"Version=2011-06-15":                                                    "MissingAction",
		"Action=Nonsense&Version=2011-06-15":                                    "InvalidAction Could not find operation Nonsense for version 2011-06-15",
		"Action=GetFederationToken&Version=2011-06-15":                          "UnsupportedOperation",
		whoAmI + "&Version=2010-01-01":                                          "", // the first one counts
		"Action=GetCallerIdentity&Version=2010-01-01":                           "NoSuchVersion",
		"Action=AssumeRole&RoleArn=arn:aws:iam::123456789012:role/x":            "ValidationError 1 validation error detected: Value at 'roleSessionName' failed to satisfy constraint: Member must not be null",
		"Action=AssumeRole&RoleSessionName=me":                                  "ValidationError 1 validation error detected: Value at 'roleArn' failed",
		"Action=AssumeRole&RoleSessionName=me&RoleArn=x":                        "ValidationError 1 validation error detected: Value 'x' at 'roleArn' failed to satisfy constraint: Member must have length greater than or equal to 20",
		"Action=AssumeRole&RoleSessionName=me&RoleArn=arn:aws:iam::12:role/xxx": "ValidationError arn:aws:iam::12:role/xxx is invalid",
		strings.Replace(ok, "=me", "=m", 1):                                     "ValidationError 1 validation error detected: Value 'm' at 'roleSessionName' failed to satisfy constraint: Member must have length greater than or equal to 2",
		strings.Replace(ok, "=me", "=m%20e", 1):                                 "ValidationError 1 validation error detected: Value 'm e' at 'roleSessionName' failed to satisfy constraint: Member must satisfy regular expression pattern",
		ok + "&DurationSeconds=899":                                             "ValidationError 1 validation error detected: Value '899' at 'durationSeconds' failed to satisfy constraint: Member must have value greater than or equal to 900",
		ok + "&DurationSeconds=43201":                                           "ValidationError 1 validation error detected: Value '43201' at 'durationSeconds'",
		ok + "&DurationSeconds=7200":                                            "ValidationError The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
		ok + "&Policy={}":                                                       "UnsupportedOperation The parameter Policy is not supported",
		ok + "&Tags.member.1.Key=a":                                             "UnsupportedOperation The parameter Tags.member.1.Key",
		ok + "&ExternalId=anything":                                             "",
		"Action=GetSessionToken&TokenCode=123456":                               "UnsupportedOperation",
		"Action=GetAccessKeyInfo&AccessKeyId=" + s.next.AccessKeyID:             "",
		"Action=GetAccessKeyInfo&AccessKeyId=AKIANOBODY":                        "ValidationError",
		"%zz": "MalformedQueryString",
	} {
		status, body := s.ask(s.first, "sts", form)
		got := strings.NewReplacer("&#39;", "'").Replace(element(body, "Code") + " " + element(body, "Message"))
		if want == "" && status != 200 || want != "" && (status < 400 || !strings.HasPrefix(got, want)) {
			t.Errorf("%s: %d %s", form, status, body)
		}
	}
	wrong := s.first
	wrong.SecretAccessKey = "x"
	if status, body := s.ask(wrong, "sts", whoAmI); status != 403 || !strings.HasPrefix(body, `<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type><Code>SignatureDoesNotMatch</Code>`) {
		t.Errorf("%d %s", status, body)
	}
}

func TestIAMSaysWhoseKeysTheyAre(t *testing.T) {
	s := newSite(t)
	if err := s.Trust(s.sales, store.FirstAccount, "Accepter", s.now); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		form, want string
		status     int
	}{
		{"Action=GetUser&Version=2010-05-08", "<Arn>arn:aws:iam::" + string(s.sales) + ":root</Arn>", 200},
		{"Action=GetUser&UserName=bob", "<Code>NoSuchEntity</Code><Message>The user with name bob cannot be found.</Message>", 404},
		{"Action=ListRoles", "<Roles><member><Path>/</Path><RoleName>Accepter</RoleName><RoleId>AROA", 200},
		{"Action=GetRole&RoleName=Accepter", "arn:aws:iam::" + string(s.sales) + ":role/Accepter", 200},
		{"Action=GetRole&RoleName=Other", "The role with name Other cannot be found.", 404},
		{"Action=ListAccountAliases", "<AccountAliases><member>sales</member></AccountAliases><IsTruncated>false</IsTruncated>", 200},
		{"Action=CreateUser&UserName=bob", "<Code>UnsupportedOperation</Code>", 400},
	} {
		if status, body := s.ask(s.next, "iam", c.form); status != c.status || !strings.Contains(body, c.want) || !strings.Contains(body, `xmlns="https://iam.amazonaws.com/doc/2010-05-08/"`) {
			t.Errorf("%s: %d %s", c.form, status, body)
		}
	}
}

func TestWithoutVerificationEveryRoleMayBeAssumed(t *testing.T) {
	s := newSite(t)
	s.open(true)
	status, body := s.ask(s.first, "sts", assume("000011112222", "Anything"))
	if status != 200 {
		t.Fatalf("%d %s", status, body)
	}
	me := session(body)
	if status, body = s.ask(me, "ec2", "x"); status != 200 || body != "arn:aws:sts::000011112222:assumed-role/Anything/me" {
		t.Errorf("%d %s", status, body)
	}
	// What was given to whoever asked opens no door that verifies, not even to an
	// account that there is.
	_, body = s.ask(s.first, "sts", assume(s.sales, "Anything"))
	mine := session(body)
	_, body = s.ask(s.first, "sts", "Action=GetSessionToken&Version=2011-06-15")
	own := session(body)
	s.open(false)
	for _, who := range []aws.Credentials{me, mine, own} {
		if who.SessionToken == "" {
			t.Fatal("no token was given")
		}
		if status, body = s.ask(who, "ec2", "x"); status != 401 || body != "AuthFailure" {
			t.Errorf("%s with a token of a server that verifies nothing: %d %s", who.AccessKeyID, status, body)
		}
	}
}

func TestAccountsComeAndGo(t *testing.T) {
	s := newSite(t)
	for _, name := range []string{"", "ab", "1abc", "UPPER", "with space", "sales", "default", strings.Repeat("a", 64)} {
		if _, _, err := s.Add(name); !errors.Is(err, ErrName) && !errors.Is(err, ErrTaken) {
			t.Errorf("%q: %v", name, err)
		}
	}
	if err := s.Trust(store.FirstAccount, s.sales, "Reader", s.now); err != nil {
		t.Fatal(err)
	}
	if err := s.Trust(store.FirstAccount, s.sales, "no good", s.now); !errors.Is(err, ErrRole) {
		t.Errorf("%v", err)
	}
	if err := s.Trust(store.FirstAccount, "999999999999", "Reader", s.now); !errors.Is(err, ErrUnknown) {
		t.Errorf("%v", err)
	}
	_, body := s.ask(s.next, "sts", assume(store.FirstAccount, "Reader"))
	toFirst := session(body)
	_, body = s.ask(s.next, "sts", "Action=GetSessionToken")
	own := session(body)
	if err := s.Remove(store.FirstAccount); !errors.Is(err, ErrFirst) {
		t.Errorf("%v", err)
	}
	if err := s.Remove(s.sales); err != nil {
		t.Fatal(err)
	}
	if status, body := s.ask(s.next, "ec2", "x"); status != 401 {
		t.Errorf("its key still works: %d %s", status, body)
	}
	if status, body := s.ask(own, "ec2", "x"); status != 401 {
		t.Errorf("its session still works: %d %s", status, body)
	}
	if status, body := s.ask(toFirst, "ec2", "x"); status != 200 { // as on AWS a session outlives its trust
		t.Errorf("%d %s", status, body)
	}
	if got := s.keeper.kept; len(got.Accounts) != 1 || len(got.Keys) != 1 || len(got.Accounts[0].Roles) != 0 {
		t.Errorf("kept %+v", got)
	}
	if err := s.Remove(s.sales); !errors.Is(err, ErrUnknown) {
		t.Errorf("%v", err)
	}
	s.keeper.fails = io.ErrShortWrite
	if _, _, err := s.Add("other"); !errors.Is(err, io.ErrShortWrite) || len(s.List()) != 1 {
		t.Errorf("%v, %+v", err, s.List())
	}
}
