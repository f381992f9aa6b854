import test from 'ava';
import { schema } from 'ebml';
import { ELEMENTS } from '#lib/ebml/ebml-elements.js';
import { sizeField } from '#lib/ebml/ebml-writer.js';
import { type ElementHeader, readElementHeader } from '#lib/ebml/element-header.js';
import { splitLacing } from '#lib/mkv/lacing.js';

function read(hex: string): ElementHeader | null {
	const header = { id: 0, size: 0, length: 0 };
	const bytes = Buffer.from(hex, 'hex');
	return readElementHeader(bytes, 0, bytes.byteLength, header) ? header : null;
}

test('sizes of every width, known and unknown', (t) => {
	for (let width = 1; width <= 8; width++) {
		const hex = (options: object, size = 0): string =>
			Buffer.from(sizeField(size, { sizeLength: width, ...options })).toString('hex');
		t.deepEqual(read(`1f43b675${hex({ isSizeUnknown: true })}`), {
			id: 0x1f43b675,
			size: -1,
			length: 4 + width,
		});
		const largest = Math.min(2 ** (7 * width) - 2, Number.MAX_SAFE_INTEGER);
		t.is(read(`a3${hex({}, largest)}`)?.size, largest);
		t.is(read(`a3${hex({}, 1)}`)?.size, 1);
		t.is(read(`a3${hex({}, 1)}`.slice(0, -2)), null);
	}
});

test('what is no header', (t) => {
	for (const hex of ['00', '0fffff', 'ff81', '8081', '7fff81', '400081', 'a300', 'a3013fffffffffffff']) {
		t.throws(() => read(hex), { code: 'KVS_MKV_MALFORMED' }, hex);
	}
});

test('laces whose sizes do not add up', (t) => {
	const cases: [number, string][] = [
		[4, '01 aabbcc'],
		[2, '01 ff'],
		[2, '01 05 aa'],
		[6, '01 85 aa'],
		[6, '02 82 80 aaaa'],
		[6, '01 00'],
		[6, '01 01'],
	];
	for (const [flags, hex] of cases) {
		const bytes = Buffer.from(hex.replaceAll(' ', ''), 'hex');
		t.throws(() => splitLacing(bytes, 0, bytes.length, flags, 0), { code: 'KVS_MKV_MALFORMED' }, hex);
	}
});

test('the table has every element of the ebml package, with its name, level and kind', (t) => {
	const rows = [...schema]
		.sort(([a], [b]) => a - b)
		.map(([id, { name, level, type }]) => [id, name, level, type === 'm']);
	t.deepEqual(ELEMENTS, rows as unknown as typeof ELEMENTS);
});
