package config

import "strings"

// Section is the text of a table by its dotted key, such as "town" or "rig.myapp", with the tables below it,
// comments included; ok is false where there is no such table.
func Section(data []byte, key string) (text string, ok bool) {
	d, err := parseDocument("town.toml", data)
	if err != nil {
		return "", false
	}
	parts, err := splitKey(key)
	if err != nil {
		return "", false
	}
	path := parts[:1]
	if len(parts) > 1 {
		path = []string{parts[0], strings.Join(parts[1:], ".")} // a name may have dots
	}
	var b strings.Builder
	for i, t := range d.tables {
		if below(t.path, path) {
			if b.Len() > 0 {
				b.WriteString("\n")
			}
			b.Write(data[t.lead:d.sectionEnd(i)])
		}
	}
	return b.String(), b.Len() > 0
}
