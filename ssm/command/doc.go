// Package command is Run Command: it carries out Command documents in instances,
// as root, and keeps what they printed and how they ended for 30 days. It plays
// both halves of AWS's: the service that sends a command to its targets, a few at
// a time, and the agent that runs the scripts. It knows no wire format (package
// ssm) and no namespace: it starts programs through Host. What it keeps is durable:
// after a restart of the daemon a command that an instance had not begun is run,
// and one that was running has failed and says so.
package command
