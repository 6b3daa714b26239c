import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { Vocabulary, array } from '../../lib/index.js';

describe('Vocabulary', () => {
  it('numbers code points by frequency, then in their order', () => {
    // The ideograph comes after the smiley as UTF-16 units, and before it as code points.
    const { tokens, size } = Vocabulary.from('bab😀\uffee😀c\uffee');
    assert.deepEqual(tokens, ['b', '\uffee', '😀', 'a', 'c']);
    assert.equal(size, 5);
  });
  it('encodes and decodes code points, not halves of them', () => {
    const vocabulary = Vocabulary.from('na😀 ïve\n');
    const ids = vocabulary.encode('ï😀');
    assert.ok(ids instanceof Int32Array);
    assert.equal(ids.length, 2);
    assert.equal(vocabulary.decode(ids), 'ï😀');
    assert.equal(vocabulary.encode('').length, 0);
    assert.deepEqual([vocabulary.decode(array(ids)), vocabulary.decode(array([...ids])), vocabulary.decode(new Set(ids))], ['ï😀', 'ï😀', 'ï😀']); // prettier-ignore
  });
  it('takes words in lower case, with apostrophes inside, and marks by themselves', () => {
    const vocabulary = Vocabulary.from(["Don't stop; DON'T", 'l’été 42!'], { unit: 'word' });
    assert.deepEqual(new Set(vocabulary.tokens), new Set(["don't", 'stop', ';', 'l’été', '42', '!']));
    assert.equal(vocabulary.tokens[0], "don't");
    assert.equal(vocabulary.decode(vocabulary.encode('Stop 42!')), 'stop 42 !');
  });
  const parts: readonly (readonly [string, readonly string[]])[] = [
    ['I love ❤️you ❤ you', ['i', 'love', '❤️', 'you', '❤', 'you']],
    ['ok👍🏽yes 👨‍👩‍👧🙂 1️⃣', ['ok', '👍🏽', 'yes', '👨‍👩‍👧', '🙂', '1️⃣']],
    ['🇩🇪🇫🇷!! 🏴󠁧󠁢󠁥󠁮󠁧󠁿', ['🇩🇪', '🇫🇷', '!', '!', '🏴󠁧󠁢󠁥󠁮󠁧󠁿']],
    ['می‌خواهم، क्‍ष', ['می‌خواهم', '،', 'क्‍ष']],
    ['nai\u0308ve E\u0301t-e\u0301 x\u0301', ['na\u00efve', '\u00e9t', '-', '\u00e9', 'x\u0301']],
    ['Co\u00adop \u00ad ไทย\u200bดี \u200b!', ['coop', 'ไทย', 'ดี', '!']],
    ["'tis rock 'n' roll's", ["'", 'tis', 'rock', "'", 'n', "'", "roll's"]],
  ];
  for (const [text, words] of parts) {
    it(`takes ${JSON.stringify(text)} apart into words`, () => {
      const vocabulary = Vocabulary.from(text, { unit: 'word' });
      assert.deepEqual([...vocabulary.encode(text)].map((id) => vocabulary.tokens[id]), words); // prettier-ignore
      assert.equal(vocabulary.decode(vocabulary.encode(text)), words.join(' '));
      assert.deepEqual(vocabulary.encode(words.join(' ')), vocabulary.encode(text));
    });
  }
  it('takes one word spelt in two ways for one, and characters as they are', () => {
    assert.deepEqual(Vocabulary.from('caf\u00e9', { unit: 'word' }).encode('CAFE\u0301'), Int32Array.of(0));
    assert.equal(Vocabulary.from('\u00e9e\u0301').size, 3);
  });
  it('reserves ids for padding and for unknown tokens, and leaves padding out of texts', () => {
    const vocabulary = Vocabulary.from('aab', { padding: true, unknown: true });
    assert.deepEqual([vocabulary.paddingId, vocabulary.unknownId, vocabulary.size], [0, 1, 4]);
    assert.deepEqual(vocabulary.encode('abz'), Int32Array.of(2, 3, 1));
    assert.equal(vocabulary.decode([2, 3, 1, 0, 0]), 'ab<unk>');
  });
  it('never takes text for a reserved token', () => {
    const text = '<pad> <unk>';
    for (const unit of ['character', 'word'] as const) {
      const vocabulary = Vocabulary.from(text, { unit, padding: true, unknown: true });
      assert.ok(![...vocabulary.encode(text)].some((id) => id < 2), unit);
    }
  });
  it('leaves out what is rare or too much', () => {
    assert.deepEqual(Vocabulary.from('aaabbc', { minFrequency: 2 }).tokens, ['a', 'b']);
    assert.deepEqual(Vocabulary.from('aaabbc', { maxSize: 2, unknown: true }).tokens, ['<unk>', 'a']);
    assert.equal(Vocabulary.from('abc').idOf('z'), undefined);
  });

  describe('as a file', () => {
    let folder: string;
    beforeEach(async () => {
      folder = await mkdtemp(join(tmpdir(), 'lanewise-'));
    });
    afterEach(() => rm(folder, { recursive: true }));

    it('keeps its ids, lone surrogates too', async () => {
      const path = join(folder, 'v.json');
      const vocabulary = Vocabulary.from('né😀"\n\ud800', { padding: true, unknown: true });
      await vocabulary.save(path);
      const loaded = await Vocabulary.load(path);
      assert.deepEqual([loaded.tokens, loaded.unit, loaded.paddingId, loaded.unknownId], [vocabulary.tokens, 'character', 0, 1]);
      assert.deepEqual(loaded.encode('é\ud800?'), vocabulary.encode('é\ud800?'));
    });

    const broken: readonly (readonly [string, RegExp])[] = [
      ['{', /got .*JSON/],
      ['[]', /got JSON without the field "format": "lanewise vocabulary 1"/],
      ['{"format":"lanewise vocabulary 1","unit":"byte","tokens":["a"]}', /got a vocabulary of unknown unit/],
      ['{"format":"lanewise vocabulary 1","unit":"word","tokens":["a",1]}', /got a vocabulary whose tokens are no list of texts/],
      ['{"format":"lanewise vocabulary 1","unit":"word","tokens":["a","a"]}', /got a vocabulary with one token twice/],
    ];
    for (const [content, reason] of broken) {
      it(`refuses ${content}`, async () => {
        const path = join(folder, 'v.json');
        await writeFile(path, content);
        await assert.rejects(Vocabulary.load(path), ({ name, message }: Error) => {
          assert.equal(name, 'FileError');
          assert.ok(message.startsWith(`Vocabulary.load: expected to read ${path}, got `), message);
          assert.match(message, reason);
          return true;
        });
      });
    }
    it('refuses files that are not there', async () => {
      await assert.rejects(Vocabulary.load(join(folder, 'none')), { name: 'FileError', message: /expected to read .*none, got ENOENT/ });
      await assert.rejects(Vocabulary.from('a').save(join(folder, 'no', 'v.json')), {
        name: 'FileError',
        message: /^save: expected to write .*v\.json, got ENOENT/,
      });
    });
  });

  const wrong: readonly (readonly [() => unknown, string, string])[] = [
    [
      () => Vocabulary.from(Buffer.from('ab') as never),
      'DataError',
      'Vocabulary: expected a text or a list of texts, got Buffer. Make bytes a text first: new TextDecoder().decode(bytes).',
    ],
    [() => Vocabulary.from(undefined as never), 'DataError', 'Vocabulary: expected a text or a list of texts, got undefined.'],
    [
      () => Vocabulary.from(createInterface({ input: Readable.from(['ab']) }) as never),
      'DataError',
      'Vocabulary: expected a text or a list of texts, got Interface. Gather its texts in a list first: for await (const text of given) list.push(text).',
    ],
    [() => Vocabulary.from(['a', 1 as never]), 'DataError', 'Vocabulary: expected a text, got number.'],
    [
      () => Vocabulary.from('ab').encode(Buffer.from('ab') as never),
      'DataError',
      'Vocabulary.encode: expected a text, got Buffer. Make bytes a text first: new TextDecoder().decode(bytes).',
    ],
    [
      () => Vocabulary.from(''),
      'DataError',
      'Vocabulary: expected a text with tokens to keep, got an empty one. Give it more text or other limits.',
    ],
    [
      () => Vocabulary.from('abc', { minFrequency: 2 }),
      'DataError',
      'Vocabulary: expected a text with tokens to keep, got 3 of which minFrequency and maxSize keep none. Give it more text or other limits.',
    ],
    [
      () => Vocabulary.from('abc').encode('ab😀é'),
      'DataError',
      'Vocabulary.encode: expected characters among the 3 of the vocabulary, got "😀" at 2. Build it from all texts, or with unknown: true.',
    ],
    [
      () => Vocabulary.from('one two', { unit: 'word' }).encode('One, two'),
      'DataError',
      'Vocabulary.encode: expected words among the 2 of the vocabulary, got "," at 1. Build it from all texts, or with unknown: true.',
    ],
    [() => Vocabulary.from('ab').decode([0, 1, 2]), 'DataError', 'Vocabulary.decode: expected ids 0 … 1, got 2 at 2.'],
    [() => Vocabulary.from('ab').decode([-1]), 'DataError', 'Vocabulary.decode: expected ids 0 … 1, got -1 at 0.'],
    [
      () => Vocabulary.from('ab').decode(array(Int32Array.of(0, 1), [2, 1])),
      'ShapeError',
      'Vocabulary.decode: expected ids of rank 1 [T], got [2, 1]. Decode a row at a time.',
    ],
    [() => Vocabulary.from('ab').decode(1 as never), 'DataError', 'Vocabulary.decode: expected a list or an array of ids, got number.'],
    [() => Vocabulary.from('ab').decode('ab' as never), 'DataError', 'Vocabulary.decode: expected a list or an array of ids, got string.'],
    [
      () => Vocabulary.from('ab').decode(undefined as never),
      'DataError',
      'Vocabulary.decode: expected a list or an array of ids, got undefined.',
    ],
    [() => Vocabulary.from('ab').decode(array([0.5])), 'DataError', 'Vocabulary.decode: expected ids 0 … 1, got 0.5 at 0.'],
    [
      () => Vocabulary.from('ab', { unit: 'byte' } as object),
      'OptionError',
      "Vocabulary: expected 'character' or 'word' for unit, got 'byte'.",
    ],
    [() => Vocabulary.from('ab', { maxSize: 0 }), 'OptionError', 'Vocabulary: expected a whole number ≥ 1 for maxSize, got 0.'],
  ];
  for (const [make, name, message] of wrong) it(message, () => assert.throws(make, { name, message }));
});
