package document

import "time"

// Plan is what one session will be: a Session document with the parameters of a
// call in their places.
type Plan struct {
	Type        SessionType
	Preferences Preferences

	Command  string // of the two command types: for InteractiveCommands a line for sh, for NonInteractive to be split in words
	Elevated bool   // runAsElevated: as root instead of the user

	Separate     bool   // separateOutputStream: stdout, stderr and the exit code apart
	StdoutPrefix string // stdOutSeparatorPrefix
	StderrPrefix string // stdErrSeparatorPrefix

	// Of Port. The strings are those that the plugin expects back in the
	// handshake's Properties.
	PortType    string // "LocalPortForwarding", or "" for plain standard input and output (AWS-StartSSHSession)
	Host        string // "" is the instance itself
	PortNumber  string // 1 to 65535, checked
	LocalPort   string // localPortNumber
	LocalSocket string // localUnixSocket
	LocalType   string // localConnectionType
}

// Preferences are the inputs of a Session document: those of the account
// (SSM-SessionManagerRunShell), or a document's own.
type Preferences struct {
	Bucket       string        // s3BucketName: "" switches session logs off
	KeyPrefix    string        // s3KeyPrefix
	RunAs        bool          // runAsEnabled
	RunAsUser    string        // runAsDefaultUser
	Idle         time.Duration // idleSessionTimeout; 20 minutes when not given
	Longest      time.Duration // maxSessionDuration; 0 is no limit
	ShellProfile string        // shellProfile.linux: typed into a Standard_Stream session
}
