package document

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
)

// inputs is a Session document with these inputs.
func inputs(in map[string]any) string {
	text, err := json.Marshal(map[string]any{
		"schemaVersion": "1.0",
		"sessionType":   "Standard_Stream",
		"inputs":        in,
	})
	if err != nil {
		panic(err)
	}
	return string(text)
}

func TestPreferencesAreTheInputs(t *testing.T) {
	for _, tt := range []struct {
		name string
		in   map[string]any
		want Preferences
	}{
		{
			name: "none",
			in:   map[string]any{},
			want: Preferences{Idle: 20 * time.Minute},
		},
		{
			name: "as the console writes them",
			in: map[string]any{
				"s3BucketName":                "",
				"s3KeyPrefix":                 "",
				"s3EncryptionEnabled":         true,
				"cloudWatchLogGroupName":      "",
				"cloudWatchEncryptionEnabled": true,
				"cloudWatchStreamingEnabled":  true,
				"kmsKeyId":                    "",
				"runAsEnabled":                false,
				"runAsDefaultUser":            "",
				"idleSessionTimeout":          "",
				"maxSessionDuration":          "",
				"shellProfile":                map[string]any{"linux": "", "windows": ""},
			},
			want: Preferences{Idle: 20 * time.Minute},
		},
		{
			name: "all",
			in: map[string]any{
				"s3BucketName":        "session-logs.example",
				"s3KeyPrefix":         "lab/2026",
				"s3EncryptionEnabled": "false",
				"runAsEnabled":        "true",
				"runAsDefaultUser":    "web_admin-1",
				"idleSessionTimeout":  "60",
				"maxSessionDuration":  1440,
				"shellProfile":        map[string]any{"linux": "exec bash\ncd ~", "windows": "cd C:\\"},
			},
			want: Preferences{
				Bucket:       "session-logs.example",
				KeyPrefix:    "lab/2026",
				RunAs:        true,
				RunAsUser:    "web_admin-1",
				Idle:         time.Hour,
				Longest:      24 * time.Hour,
				ShellProfile: "exec bash\ncd ~",
			},
		},
		{
			name: "the shortest times",
			in: map[string]any{
				"idleSessionTimeout": 1,
				"maxSessionDuration": "1",
			},
			want: Preferences{
				Idle:    time.Minute,
				Longest: time.Minute,
			},
		},
		{
			name: "nulls",
			in: map[string]any{
				"kmsKeyId":           nil,
				"shellProfile":       nil,
				"idleSessionTimeout": nil,
			},
			want: Preferences{Idle: 20 * time.Minute},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := parse(t, Session, inputs(tt.in))
			if got := d.Preferences(); got != tt.want {
				t.Errorf("got  %+v\nwant %+v", got, tt.want)
			}
			// A document with inputs of its own asks nobody else's.
			plan, err := d.Plan(nil, Preferences{Bucket: "other", Idle: time.Second})
			if err != nil || plan.Preferences != tt.want {
				t.Errorf("%+v %v", plan, err)
			}
		})
	}
}

func TestPreferencesThatAreRefused(t *testing.T) {
	const idle = `idleSessionTimeout in inputs must be a whole number from 1 to 60.`
	const longest = `maxSessionDuration in inputs must be a whole number from 1 to 1440.`
	const prefix = `; a prefix has up to 500 characters, none of them a control character, and no part that is '.' or '..'.`
	for _, tt := range []struct {
		name  string
		key   string
		value any
		text  string
	}{
		{"idle for no time", "idleSessionTimeout", "0", idle},
		{"idle for too long", "idleSessionTimeout", "61", idle},
		{"idle for a while", "idleSessionTimeout", "a while", idle},
		{"idle for half a minute", "idleSessionTimeout", 0.5, idle},
		{"idle for less than nothing", "idleSessionTimeout", -1, idle},
		{"no duration", "maxSessionDuration", "0", longest},
		{"too long a duration", "maxSessionDuration", "1441", longest},
		{"a huge duration", "maxSessionDuration", "99999999999999999999", longest},
		{"a key", "kmsKeyId", "alias/k", `kmsKeyId in inputs is not supported here: there is no AWS KMS in this account. Leave it empty.`},
		{"a log group", "cloudWatchLogGroupName", "g", `cloudWatchLogGroupName in inputs is not supported here: there is no CloudWatch Logs in this account; session logs go to s3BucketName. Leave it empty.`},
		{"a flag that is none", "s3EncryptionEnabled", "perhaps", `s3EncryptionEnabled in inputs must be true or false.`},
		{"a flag that is a number", "cloudWatchStreamingEnabled", 1, `cloudWatchStreamingEnabled in inputs must be true or false.`},
		{"run as nobody's name", "runAsDefaultUser", "a b", `runAsDefaultUser in inputs is "a b", which is no user's name.`},
		{"run as an option", "runAsDefaultUser", "-r", `runAsDefaultUser in inputs is "-r", which is no user's name.`},
		{"a bucket in capitals", "s3BucketName", "Logs", `s3BucketName in inputs is "Logs", which is no bucket's name by the rules of Amazon S3.`},
		{"a bucket above", "s3BucketName", "../logs", `s3BucketName in inputs is "../logs", which is no bucket's name by the rules of Amazon S3.`},
		{"a prefix above", "s3KeyPrefix", "../x", `s3KeyPrefix in inputs is "../x"` + prefix},
		{"a prefix in between", "s3KeyPrefix", "a/./b", `s3KeyPrefix in inputs is "a/./b"` + prefix},
		{"a prefix with a line's end", "s3KeyPrefix", "a\n", `s3KeyPrefix in inputs is "a\n"` + prefix},
		{"a profile that is a text", "shellProfile", "bash", `shellProfile must be a map, not a string.`},
		{"a profile for another system", "shellProfile", map[string]any{"beos": "x"}, `shellProfile has an element "beos" that is unknown there.`},
		{"a long profile", "shellProfile", map[string]any{"linux": strings.Repeat("é", 513)}, `linux in shellProfile has more than 512 characters.`},
		{"something unknown", "colour", "red", `inputs has an element "colour" that is unknown there.`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Parse(Session, JSON, inputs(map[string]any{tt.key: tt.value}))
			wantError(t, err, InvalidDocumentContent, tt.text)
		})
	}
}

func TestAShellProfileHasUpTo512Characters(t *testing.T) {
	profile := strings.Repeat("é", 512)
	d := parse(t, Session, inputs(map[string]any{"shellProfile": map[string]any{"linux": profile}}))
	if d.Preferences().ShellProfile != profile {
		t.Error("the profile is another one")
	}
}

// TestBucketNames goes through AWS's page "General purpose bucket naming rules".
func TestBucketNames(t *testing.T) {
	for _, name := range []string{
		"abc",
		"session-logs",
		"123.logs",
		"my.session.logs-2026",
		strings.Repeat("a", 63),
	} {
		if !BucketName(name) {
			t.Errorf("%q is a bucket's name", name)
		}
	}
	for _, name := range []string{
		"",
		"ab",
		strings.Repeat("a", 64),
		"Logs",
		"my_logs",
		"-logs",
		"logs-",
		".logs",
		"logs.",
		"my..logs",
		"192.168.5.4",
		"xn--logs",
		"sthree-logs",
		"amzn-s3-demo-logs",
		"logs-s3alias",
		"logs--ol-s3",
		"logs.mrap",
		"logs--x-s3",
		"logs--table-s3",
		"a/b",
		"..",
		"logs\n",
		"lögs",
	} {
		if BucketName(name) {
			t.Errorf("%q is no bucket's name", name)
		}
	}
}

func TestKeyPrefixesStayInTheirBucket(t *testing.T) {
	for _, prefix := range []string{
		"",
		"a",
		"a/b/c",
		"a b",
		"...",
		"..a/b..",
		"größe",
		strings.Repeat("x", 500),
	} {
		if !keyPrefix(prefix) {
			t.Errorf("%q is a prefix", prefix)
		}
	}
	for _, prefix := range []string{
		".",
		"..",
		"a/..",
		"../a",
		"a/./b",
		"a\x00b",
		"a\x7f",
		"\xff",
		strings.Repeat("x", 501),
	} {
		if keyPrefix(prefix) {
			t.Errorf("%q is no prefix", prefix)
		}
	}
}
