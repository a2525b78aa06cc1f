// Package ssm is the API of AWS Systems Manager as far as it concerns sessions,
// commands and their documents: AWS JSON 1.1, one operation per request. It reads
// and checks requests as AWS does and words every answer; sessions, commands and
// documents themselves are in the packages below it.
//
// An operation is a row of operations(): its name, its request as a Go structure
// whose fields name AWS's shapes, and what becomes of every member that is not
// obeyed. docs/sessions-coverage.md is written from the same rows.
package ssm

//go:generate go test -run TestCoverageTable -update .
