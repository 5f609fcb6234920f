package protocol

import (
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// vector is one line of testdata/vectors, which the TypeScript decoder reads too.
type vector struct {
	Name  string
	Frame string
	Pad   int             // blanks to add to Frame
	Want  json.RawMessage // the message that must come out; nil: Error says why not
	Error string          // error code, or "unknown" for an unknown type
}

func (v vector) bytes() []byte { return []byte(v.Frame + strings.Repeat(" ", v.Pad)) }

func readVectors(t testing.TB, name string) []vector {
	t.Helper()
	b, err := os.ReadFile("testdata/vectors/" + name)
	if err != nil {
		t.Fatal(err)
	}
	var v []vector
	if err := json.Unmarshal(b, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

func checkVectors[M any](t *testing.T, file string, decode func([]byte) (M, error), encode func(M) []byte) {
	seen := map[string]bool{}
	for _, v := range readVectors(t, file) {
		t.Run(v.Name, func(t *testing.T) {
			m, err := decode(v.bytes())
			var got string
			if e, ok := errors.AsType[*WireError](err); ok {
				got = string(e.Code)
			} else if errors.Is(err, ErrUnknownType) {
				got = "unknown"
			} else if err != nil {
				t.Fatalf("decode: %v", err)
			}
			if got != v.Error {
				t.Fatalf("error = %q, want %q", got, v.Error)
			}
			if v.Want == nil {
				return
			}
			seen[reflect.TypeOf(m).Name()] = true
			var gotJSON, wantJSON any
			if err := errors.Join(json.Unmarshal(encode(m), &gotJSON), json.Unmarshal(v.Want, &wantJSON)); err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(wantJSON, gotJSON); d != "" {
				t.Errorf("message (-want +got):\n%s", d)
			}
		})
	}
	for _, name := range implementers(t, reflect.TypeFor[M]().Name()) {
		if !seen[name] {
			t.Errorf("no vector for %s", name)
		}
	}
}

func TestClientVectors(t *testing.T) {
	checkVectors(t, "client.json", DecodeClient, EncodeClient)
}

func TestServerVectors(t *testing.T) {
	checkVectors(t, "server.json", DecodeServer, EncodeServer)
}

// implementers lists the types in codec.go that are messages of the given kind.
func implementers(t *testing.T, kind string) []string {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), "codec.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	method := map[string]string{"ClientMessage": "fromClient", "ServerMessage": "fromServer"}[kind]
	var names []string
	for _, d := range f.Decls {
		if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv != nil && fn.Name.Name == method {
			names = append(names, fn.Recv.List[0].Type.(*ast.Ident).Name)
		}
	}
	if len(names) < 8 {
		t.Fatalf("found only %v", names)
	}
	return names
}

// The unions that TypeScript sees name every message that Go knows.
func TestUnionsAreComplete(t *testing.T) {
	source, err := os.ReadFile("messages.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range []string{"ClientMessage", "ServerMessage"} {
		m := regexp.MustCompile(`export type ` + kind + ` = ([^;]+);`).FindSubmatch(source)
		if m == nil {
			t.Fatalf("no union %s", kind)
		}
		got, want := strings.Split(string(m[1]), " | "), implementers(t, kind)
		slices.Sort(got)
		slices.Sort(want)
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("union %s (-want +got):\n%s", kind, d)
		}
	}
}

func TestKnownCodes(t *testing.T) {
	f, err := parser.ParseFile(token.NewFileSet(), "errors.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	ast.Inspect(f, func(node ast.Node) bool {
		if lit, ok := node.(*ast.BasicLit); ok && strings.HasPrefix(lit.Value, `"E_`) {
			n++
			if code := ErrorCode(strings.Trim(lit.Value, `"`)); !code.Known() {
				t.Errorf("%s is not known", code)
			}
		}
		return true
	})
	if n < 30 {
		t.Errorf("found only %d codes", n)
	}
	if ErrorCode("E_NO_SUCH_CODE").Known() {
		t.Error("an unknown code is known")
	}
}

func TestPublic(t *testing.T) {
	inner := ErrorCodeBusy.Err()
	if got := Public(errors.Join(errors.New("while joining"), inner)).Code; got != ErrorCodeBusy {
		t.Errorf("Public = %s, want %s", got, ErrorCodeBusy)
	}
	if got := Public(errors.New("password of the database")); *got != (WireError{Code: ErrorCodeInternal}) {
		t.Errorf("Public = %+v, want a bare internal error", got)
	}
}

func TestFrames(t *testing.T) {
	b := AppendFrame(nil, 0x0102, []byte("outer"))
	if want := "\x01\x02outer"; string(b) != want {
		t.Errorf("AppendFrame = %q, want %q", b, want)
	}
	slot, outer, ok := SplitFrame(b)
	if slot != 0x0102 || string(outer) != "outer" || !ok {
		t.Errorf("SplitFrame = %d, %q, %v", slot, outer, ok)
	}
	for _, n := range []int{0, 1, 2, LimitFrameBytes + 1} {
		if _, _, ok := SplitFrame(make([]byte, n)); ok {
			t.Errorf("SplitFrame took %d bytes", n)
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, name := range []string{"client.json", "server.json"} {
		for _, v := range readVectors(f, name) {
			f.Add(v.bytes())
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if m, err := DecodeClient(b); err == nil {
			again, err := DecodeClient(EncodeClient(m))
			if err != nil || !cmp.Equal(again, m.fromClient()) {
				t.Errorf("client message changed: %+v, %+v, %v", m, again, err)
			}
		}
		if m, err := DecodeServer(b); err == nil {
			again, err := DecodeServer(EncodeServer(m))
			if err != nil || !cmp.Equal(again, m.fromServer()) {
				t.Errorf("server message changed: %+v, %+v, %v", m, again, err)
			}
		}
	})
}
