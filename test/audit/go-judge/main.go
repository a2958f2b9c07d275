// A second opinion on audit logs: Go's own libraries for transparency logs read the tiles, judge the proofs, open the
// checkpoint, and sign a note. A question comes as JSON on standard input, the answer goes to standard output.
package main

import (
	"crypto/rand"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// A Proof is one of either kind: of an entry (Index, Leaf) or of a smaller log (From, FromRoot).
type Proof struct {
	Index, From, Size    int64
	Leaf, FromRoot, Root tlog.Hash
	Path                 []tlog.Hash
}

type Question struct {
	Folder, Key string
	// Further notes that are opened with Key.
	Notes                  []string
	Inclusion, Consistency []Proof
	// A name and a text for a note signed by a new key.
	Name, Text string
}

type Answer struct {
	Text                   string
	Size                   int64
	Root                   tlog.Hash
	TilesAgreed            int64
	Notes                  []bool
	Inclusion, Consistency []bool
	// What Go itself proves for the same places.
	OwnInclusion, OwnConsistency [][]tlog.Hash
	Key, Note                    string
}

// A folder is the public form of a log, on a disk or under a prefix of a web server. Go has the height of tiles in their paths,
// C2SP does not.
type folder string

func (dir folder) file(path string) ([]byte, error) {
	if !strings.HasPrefix(string(dir), "http://") {
		return os.ReadFile(filepath.Join(string(dir), path))
	}
	answer, err := http.Get(string(dir) + "/" + path)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode == http.StatusNotFound {
		return nil, fs.ErrNotExist
	}
	if answer.StatusCode != http.StatusOK {
		return nil, errors.New(answer.Status)
	}
	return io.ReadAll(answer.Body)
}

func (dir folder) Height() int { return 8 }

func (dir folder) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var all [][]byte
	for _, tile := range tiles {
		data, err := dir.read(tile)
		if err != nil {
			return nil, err
		}
		all = append(all, data)
	}
	return all, nil
}

func (dir folder) SaveTiles([]tlog.Tile, [][]byte) {}

func (dir folder) read(tile tlog.Tile) ([]byte, error) {
	path := strings.Replace(tile.Path(), "tile/8/", "tile/", 1)
	path = strings.Replace(path, "tile/data/", "tile/entries/", 1)
	data, err := dir.file(path)
	if !errors.Is(err, fs.ErrNotExist) || tile.W == 256 {
		return data, err
	}
	whole, err := dir.read(tlog.Tile{H: tile.H, L: tile.L, N: tile.N, W: 256})
	if err != nil || tile.L < 0 {
		return whole, err
	}
	return whole[:tile.W*tlog.HashSize], nil
}

// stored holds the hashes of a log in the order that Go has for them.
type stored []tlog.Hash

func (all stored) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	var some []tlog.Hash
	for _, index := range indexes {
		some = append(some, all[index])
	}
	return some, nil
}

// readEntries works the hashes out again from all bundles, tiles unseen.
func readEntries(dir folder, size int64) (stored, error) {
	var all stored
	for first := int64(0); first < size; first += 256 {
		width := size - first
		if width > 256 {
			width = 256
		}
		data, err := dir.read(tlog.Tile{H: 8, L: -1, N: first / 256, W: int(width)})
		if err != nil {
			return nil, err
		}
		bundle, err := entries(data)
		if err != nil {
			return nil, err
		}
		if int64(len(bundle)) < width {
			return nil, errors.New("entries are missing")
		}
		for at, entry := range bundle[:width] {
			more, err := tlog.StoredHashes(first+int64(at), entry, all)
			if err != nil {
				return nil, err
			}
			all = append(all, more...)
		}
	}
	return all, nil
}

// entries reads a bundle.
func entries(data []byte) ([][]byte, error) {
	var all [][]byte
	for len(data) > 0 {
		if len(data) < 2 || len(data) < 2+int(binary.BigEndian.Uint16(data)) {
			return nil, errors.New("a bundle is cut off")
		}
		end := 2 + int(binary.BigEndian.Uint16(data))
		all = append(all, data[2:end])
		data = data[end:]
	}
	return all, nil
}

func answerTo(question Question) (*Answer, error) {
	verifier, err := note.NewVerifier(question.Key)
	if err != nil {
		return nil, err
	}
	keys := note.VerifierList(verifier)
	dir := folder(question.Folder)
	bytes, err := dir.file("checkpoint")
	if err != nil {
		return nil, err
	}
	opened, err := note.Open(bytes, keys)
	if err != nil {
		return nil, err
	}
	lines := strings.Split(opened.Text, "\n")
	answer := &Answer{Text: opened.Text}
	if _, err := fmt.Sscan(lines[1], &answer.Size); err != nil {
		return nil, err
	}
	if answer.Root, err = tlog.ParseHash(lines[2]); err != nil {
		return nil, err
	}
	for _, text := range question.Notes {
		_, err := note.Open([]byte(text), keys)
		answer.Notes = append(answer.Notes, err == nil)
	}

	// Not by TileHashReader alone: that of x/mod 0.7.0 passes over tiles where two hashes of the right edge share one.
	own, err := readEntries(dir, answer.Size)
	if err != nil {
		return nil, err
	}
	if root, err := tlog.TreeHash(answer.Size, own); err != nil || root != answer.Root {
		return nil, errors.New("the entries lead to another root")
	}
	for _, tile := range tlog.NewTiles(8, 0, answer.Size) {
		// Partial tiles of earlier sizes are among them.
		if tile.W < 256 && tile.N<<8+int64(tile.W) < answer.Size>>uint(8*tile.L) {
			continue
		}
		expected, err := tlog.ReadTileData(tile, own)
		if err != nil {
			return nil, err
		}
		if data, err := dir.read(tile); err != nil || string(data) != string(expected) {
			return nil, fmt.Errorf("%s is another", tile.Path())
		}
		answer.TilesAgreed++
	}

	// Proofs come from our tiles, not from the hashes above.
	hashes := tlog.TileHashReader(tlog.Tree{N: answer.Size, Hash: answer.Root}, dir)
	for _, p := range question.Inclusion {
		err := tlog.CheckRecord(p.Path, p.Size, p.Root, p.Index, p.Leaf)
		answer.Inclusion = append(answer.Inclusion, err == nil)
		own, err := tlog.ProveRecord(p.Size, p.Index, hashes)
		if err != nil {
			return nil, err
		}
		answer.OwnInclusion = append(answer.OwnInclusion, own)
	}
	for _, p := range question.Consistency {
		err := tlog.CheckTree(p.Path, p.Size, p.Root, p.From, p.FromRoot)
		answer.Consistency = append(answer.Consistency, err == nil)
		own, err := tlog.ProveTree(p.Size, p.From, hashes)
		if err != nil {
			return nil, err
		}
		answer.OwnConsistency = append(answer.OwnConsistency, own)
	}

	secret, key, err := note.GenerateKey(rand.Reader, question.Name)
	if err != nil {
		return nil, err
	}
	signer, err := note.NewSigner(secret)
	if err != nil {
		return nil, err
	}
	signed, err := note.Sign(&note.Note{Text: question.Text}, signer)
	answer.Key, answer.Note = key, string(signed)
	return answer, err
}

func main() {
	var question Question
	err := json.NewDecoder(os.Stdin).Decode(&question)
	if err == nil {
		var answer *Answer
		if answer, err = answerTo(question); err == nil {
			err = json.NewEncoder(os.Stdout).Encode(answer)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
