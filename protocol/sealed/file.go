package sealed

// File offers a file, with its bytes to come on the data channel files. Both,
// ADMITTED; over ctl, like the other messages about files. The sender repeats it
// on each new connection until the file is finished; ID is the same then.
type File struct {
	T    string `json:"t" tstype:"'file'"`
	ID   string `json:"id"`   // 12 random bytes, base64url
	Name string `json:"name"` // at most LimitFileName; a hint, never a path
	Size int64  `json:"size"` // bytes
	Type string `json:"type,omitempty"`
}

// FileGet answers an offer: the bytes from Off on, please, because all before it
// are stored. It is repeated while they come, as the leave to send up to
// Off + LimitFileAhead.
type FileGet struct {
	T   string `json:"t" tstype:"'file-get'"`
	ID  string `json:"id"`
	Off int64  `json:"off"`
}

// FileEnd says that all bytes are on their way, and what they are.
type FileEnd struct {
	T      string `json:"t" tstype:"'file-end'"`
	ID     string `json:"id"`
	SHA256 string `json:"sha256"` // 64 lower-case hex digits
}

// FileStop ends a file, by either side. Only the receiver says done: the bytes are
// complete and have the announced hash.
type FileStop struct {
	T      string         `json:"t" tstype:"'file-stop'"`
	ID     string         `json:"id"`
	Reason FileStopReason `json:"reason"`
}

// FileStopReason says why a file is over.
type FileStopReason string

// The reasons.
const (
	FileStopReasonDone     FileStopReason = "done"
	FileStopReasonDeclined FileStopReason = "declined"
	FileStopReasonCanceled FileStopReason = "canceled"
	FileStopReasonTooLarge FileStopReason = "too-large"
	FileStopReasonBusy     FileStopReason = "busy"    // LimitFiles are under way
	FileStopReasonFailed   FileStopReason = "failed"  // it could not be read or stored, or the rules were broken
	FileStopReasonDamaged  FileStopReason = "damaged" // the hash differs
)
