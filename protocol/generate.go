package protocol

//go:generate go -C .. tool tygo generate
