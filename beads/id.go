package beads

import (
	"crypto/sha256"
	"fmt"
	"iter"
	"math"
	"math/big"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

const (
	minHash    = 3    // what bd's code uses; its documentation says 4
	maxHash    = 8    // bd
	collision  = 0.25 // bd: the length grows when a collision becomes likelier than this
	nonces     = 10   // bd: tries per length
	maxDepth   = 3    // bd: gt-a1b2.1.2.3
	maxID      = 200  // ours: an id is part of keys, refs and file names
	maxRefSafe = 200  // a file name holds 255 bytes; room for .lock and the like
)

// hashBytes is how many bytes of the hash make an id of each length (bd).
var hashBytes = [maxHash + 1]int{3: 2, 4: 3, 5: 4, 6: 4, 7: 5, 8: 5}

// NewID makes an id PREFIX-HASH the way bd does. count is the number of top-level ids that have
// the prefix, taken says whether an id is in use. The length grows with count.
func NewID(prefix string, count int, taken func(ID) bool, title, desc, creator string, at time.Time) (ID, error) {
	text := title + "|" + desc + "|" + creator + "|" + strconv.FormatInt(at.UnixNano(), 10) + "|"
	for n := HashLength(count); n <= maxHash; n++ {
		for nonce := range nonces {
			hash := hashOf(text+strconv.Itoa(nonce), n)
			// bd finds the prefix of an id with a longer hash only when that has a digit.
			if n > minHash && !strings.ContainsAny(hash, "0123456789") {
				continue
			}
			if id := ID(prefix + "-" + hash); !taken(id) {
				return id, nil
			}
		}
	}
	return "", fmt.Errorf("new id with prefix %q: every candidate is taken", prefix)
}

// HashLength is the number of characters of a new id beside count others.
func HashLength(count int) int {
	n := float64(count)
	for l := minHash; l < maxHash; l++ {
		if 1-math.Exp(-n*n/(2*math.Pow(36, float64(l)))) <= collision {
			return l
		}
	}
	return maxHash
}

func hashOf(text string, n int) string {
	sum := sha256.Sum256([]byte(text))
	s := new(big.Int).SetBytes(sum[:hashBytes[n]]).Text(36)
	if len(s) < n {
		return strings.Repeat("0", n-len(s)) + s
	}
	return s[len(s)-n:]
}

// ChildID is the next child id of parent; ids are those in use (more than parent's children may be among them).
func ChildID(parent ID, ids iter.Seq[ID]) (ID, error) {
	_, rest := splitID(parent)
	if strings.Count(rest, ".") >= maxDepth {
		return "", fmt.Errorf("child of bead %q: more than %d levels deep", parent, maxDepth)
	}
	top := 0
	for id := range ids {
		tail, ok := strings.CutPrefix(string(id), string(parent)+".")
		if !ok {
			continue
		}
		tail, _, _ = strings.Cut(tail, ".")
		if n, err := strconv.Atoi(tail); err == nil {
			top = max(top, n)
		}
	}
	return parent + ID("."+strconv.Itoa(top+1)), nil
}

// ValidID reports whether id can be kept: any visible text of up to 200 bytes that does not begin
// with a hyphen. Ids of other programs need not look like ours.
func ValidID(id ID) bool {
	s := string(id)
	if s == "" || len(s) > maxID || s[0] == '-' || !utf8.ValidString(s) {
		return false
	}
	for _, r := range s {
		if unicode.IsSpace(r) || !unicode.IsPrint(r) {
			return false
		}
	}
	return true
}

// Prefix is the part of an id before the hash, by bd's rule; "" where there is none.
func Prefix(id ID) string {
	p, _ := splitID(id)
	return p
}

// Parent is the id that a child id extends, by its form alone; "" for a top-level id.
func Parent(id ID) ID {
	_, rest := splitID(id)
	i := strings.LastIndexByte(rest, '.')
	if i <= 0 {
		return ""
	}
	if _, err := strconv.Atoi(rest[i+1:]); err != nil {
		return ""
	}
	return id[:len(id)-len(rest)+i]
}

func splitID(id ID) (prefix, rest string) {
	s := string(id)
	if i := strings.LastIndexByte(s, '-'); i > 0 {
		hash, _, _ := strings.Cut(s[i+1:], ".")
		if isHash(hash) {
			return s[:i], s[i+1:]
		}
	}
	if p, r, ok := strings.Cut(s, "-"); ok {
		return p, r
	}
	return "", s
}

func isHash(s string) bool {
	digits := 0
	for i := range len(s) {
		switch c := s[i]; {
		case '0' <= c && c <= '9':
			digits++
		case c < 'a' || c > 'z':
			return false
		}
	}
	switch {
	case s == "":
		return false
	case digits == len(s) || len(s) == minHash:
		return true
	}
	return len(s) > minHash && len(s) <= maxHash && digits > 0
}

// RefSafe is id as one component of a ref or a file name. Ids made here stay as they are; in
// others every byte that git or a file system could stumble over becomes _xx, so that different
// ids stay different even where upper and lower case are not told apart. An id too long for that
// becomes _h and its hash.
func RefSafe(id ID) string {
	s := string(id)
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		plain := 'a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '-' && i > 0 ||
			c == '.' && i > 0 && i < len(s)-1 && s[i+1] != '.' && s[i:] != ".lock"
		if plain {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "_%02x", c)
		}
	}
	if b.Len() > maxRefSafe || s == "" {
		return fmt.Sprintf("_h%x", sha256.Sum256([]byte(s)))
	}
	return b.String()
}
