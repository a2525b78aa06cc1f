// Package iam knows who may call: accounts, their access keys, and the roles by
// which one account lets others act for it. It answers AWS's STS, and those few
// calls of AWS's IAM that clients make on their own to learn whose keys they have.
// There are no users, groups or policies: whoever holds an account's key may do
// everything in that account, and nothing in any other.
package iam
