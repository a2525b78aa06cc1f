// Package document knows the documents of Systems Manager: those that AWS owns
// and everybody uses (AWS-StartPortForwardingSession, AWS-RunShellScript, …) and
// those that an account makes, Session and Command documents alike. It reads
// and checks their content, keeps their versions, and turns a document with the
// parameters of one call into what shall be done: a Plan for a session, Scripts
// for a command.
//
// It is pure: whoever uses it brings the time and keeps the Records. Every error
// is an *Error whose Code is the name of AWS's exception and whose text is ready
// to be shown.
//
// How the callers use it:
//
//	record, err := documents.find(name)             // package ssm: built in, or the account's
//	content, err := record.Resolve("$DEFAULT", "")  // a version, parsed
//	plan, err := content.Plan(parameters, account)  // ssm/session runs it
//	scripts, err := content.Scripts(parameters)     // ssm/command runs them
package document
