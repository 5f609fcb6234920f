package config

import (
	"fmt"
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"
)

// TestEverySettingIsDocumented compares the table of docs/operating.md with the
// settings there are: each has one row, with its variable and its default.
func TestEverySettingIsDocumented(t *testing.T) {
	doc, err := os.ReadFile("../../docs/operating.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]string{}
	for _, m := range regexp.MustCompile("(?m)^\\| `([a-z]+\\.[a-z_]+)` \\|.*$").FindAllStringSubmatch(string(doc), -1) {
		if rows[m[1]] != "" {
			t.Errorf("%s has two rows", m[1])
		}
		rows[m[1]] = m[0]
	}
	sections := reflect.ValueOf(Default())
	for i := range sections.NumField() {
		section := sections.Field(i)
		prefix := sections.Type().Field(i).Tag.Get("toml")
		for j := range section.NumField() {
			key := section.Type().Field(j).Tag.Get("toml")
			if key == "-" {
				continue
			}
			name := prefix + "." + key
			row := rows[name]
			delete(rows, name)
			for _, want := range []string{EnvPrefix + strings.ToUpper(strings.ReplaceAll(name, ".", "_")), fmt.Sprint(section.Field(j))} {
				if want != "" && !strings.Contains(row, "`"+want+"`") {
					t.Errorf("docs/operating.md: the row of %s lacks %s: %q", name, want, row)
				}
			}
		}
	}
	for name := range rows {
		t.Errorf("docs/operating.md has a setting %s that does not exist", name)
	}
}
