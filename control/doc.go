// Package control is the edge of time: the one writer of the State. A request
// comes in, gets its moment and its dice, is applied by package network, stored,
// and only then shown to anyone; afterwards the plane is made to obey, the
// guests are moved on, and what falls due by itself is settled. It decides
// nothing about networks, and it imports no plane, no guest and no disk: it
// declares the few methods that it needs of each.
package control
