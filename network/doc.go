// Package network is the model: what exists in a virtual private cloud and the
// rules between it. A State is an immutable value; Apply takes one Op and gives
// the next State or an *Error and no change. Nothing here does I/O, reads a
// clock or rolls dice: time and randomness come with the Op. It knows no wire
// format (ec2), no kernel (linux) and no disk (store); control drives it.
package network
