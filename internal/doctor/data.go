package doctor

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

const (
	spaceWarn = 1 << 30   // bytes
	spaceBad  = 100 << 20 // a database that cannot grow refuses calls
)

// dataFacts are about the directory of the database.
type dataFacts struct {
	dir      string
	missing  bool // it is not there yet; writable is then about where it will be
	writable error
	mode     fs.FileMode
	dbMode   fs.FileMode // 0: there is none
	free     int64       // -1: not known
}

// checkToken is about the file that says who may make calls.
func checkToken(_ context.Context, cfg *Config, here *place) []Finding {
	switch {
	case cfg.TokenFile == "":
		return nil
	case cfg.TokenErr == nil:
		return []Finding{good("token.file", "there is a token, and only who has it makes calls")}
	case here.running != nil && errors.Is(cfg.TokenErr, fs.ErrPermission):
		return []Finding{good("token.file", "the file of the token is for the user of the server that runs")}
	}
	remedy := "put one of 16 to 256 characters into it"
	switch {
	case errors.Is(cfg.TokenErr, fs.ErrNotExist):
		remedy = "openssl rand -hex 16 > " + cfg.TokenFile + ", and let the user of the server read it"
	case errors.Is(cfg.TokenErr, fs.ErrPermission):
		remedy = "run doctor as the user of the server, and let that one read it"
	}
	return []Finding{bad("token.file", remedy, "the server does not start without its token: %v", cfg.TokenErr)}
}

func checkData(_ context.Context, cfg *Config, here *place) []Finding {
	f := dataFacts{dir: cfg.Data}
	info, err := os.Stat(cfg.Data)
	at := cfg.Data
	switch {
	case errors.Is(err, fs.ErrNotExist):
		f.missing = true
		at = parent(cfg.Data)
	case err != nil:
		f.writable = err
		return judgeData(f)
	case !info.IsDir():
		f.writable = errors.New("it is no directory")
		return judgeData(f)
	default:
		f.mode = info.Mode().Perm()
	}
	f.writable = writable(at)
	if here.running != nil && errors.Is(f.writable, fs.ErrPermission) {
		return []Finding{good("data.writable", "the data directory %s belongs to the user of the server that runs", cfg.Data)}
	}
	f.free = freeSpace(at)
	if db, err := os.Stat(filepath.Join(cfg.Data, "visavis.db")); err == nil {
		f.dbMode = db.Mode().Perm()
	}
	return judgeData(f)
}

// parent is the nearest directory above that is there.
func parent(dir string) string {
	for {
		up := filepath.Dir(dir)
		if _, err := os.Stat(up); err == nil || up == dir {
			return up
		}
		dir = up
	}
}

// writable makes a file in dir and removes it.
func writable(dir string) error {
	f, err := os.CreateTemp(dir, ".visavis-doctor-*")
	if err != nil {
		return err
	}
	return errors.Join(f.Close(), os.Remove(f.Name()))
}

func judgeData(f dataFacts) []Finding {
	if f.writable != nil {
		return []Finding{bad("data.writable", "name a directory of this user: storage.data", "the data directory %s cannot be used: %v", f.dir, f.writable)}
	}
	out := []Finding{good("data.writable", "the data directory %s can be written", f.dir)}
	if f.missing {
		out[0] = good("data.writable", "the data directory %s is not there yet and can be made", f.dir)
	}
	switch {
	case f.mode&0o077 != 0 && f.dbMode == 0: // the server makes the database for its own user only
		out = append(out, warn("data.mode", "chmod 700 "+f.dir, "others on this machine may read the data directory (mode %04o)", f.mode))
	case f.mode&0o077 != 0 || f.dbMode&0o077 != 0:
		out = append(out, warn("data.mode", "chmod 700 "+f.dir+" && chmod 600 "+filepath.Join(f.dir, "visavis.db*"), "others on this machine may read the data directory (mode %04o, database %04o)", f.mode, f.dbMode))
	case !f.missing:
		out = append(out, good("data.mode", "only its owner can read it"))
	}
	switch mb := f.free >> 20; {
	case f.free < 0:
	case f.free < spaceBad:
		out = append(out, bad("data.space", "make room on its disk (df -h "+f.dir+")", "only %d MB are free for the database", mb))
	case f.free < spaceWarn:
		out = append(out, warn("data.space", "make room on its disk (df -h "+f.dir+")", "only %d MB are free for the database", mb))
	default:
		out = append(out, good("data.space", "%d MB are free", mb))
	}
	return out
}
