import test from 'ava';
import { schema } from 'ebml';
import { ELEMENTS } from '#lib/ebml/ebml-elements.js';
import { sizeField, unsigned } from '#lib/ebml/ebml-writer.js';
import { type ElementHeader, readElementHeader } from '#lib/ebml/element-header.js';
import { splitLacing } from '#lib/mkv/lacing.js';

function read(hex: string): ElementHeader | null {
	const header = { id: 0, size: 0, length: 0 };
	const bytes = Buffer.from(hex, 'hex');
	return readElementHeader(bytes, 0, bytes.byteLength, header) ? header : null;
}

test('reads sizes of every width, known and unknown', (t) => {
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

test('refuses a malformed element header', (t) => {
	for (const hex of ['00', '0fffff', 'ff81', '8081', '7fff81', '400081', 'a300', 'a3013fffffffffffff']) {
		t.throws(() => read(hex), { code: 'KVS_MKV_MALFORMED' }, hex);
	}
});

test('reads numbers of every size exactly, and refuses fractions and sizes that do not fit', (t) => {
	const hex = (...args: Parameters<typeof unsigned>): string =>
		Buffer.concat(unsigned(...args)).toString('hex');
	t.is(hex('Timecode', 0), 'e78100');
	t.is(hex('Timecode', 255), 'e781ff');
	t.is(hex('Timecode', 256n), 'e7820100');
	t.is(hex('Timecode', 1, { byteLength: 8 }), 'e7880000000000000001');
	t.is(hex('Timecode', 2 ** 53 - 1), 'e7871fffffffffffff');
	t.is(hex('Timecode', 2n ** 53n + 1n), 'e78720000000000001');
	t.is(hex('Timecode', 2n ** 53n + 1n, { byteLength: 8 }), 'e7880020000000000001');
	t.is(hex('Timecode', 2n ** 64n - 1n), 'e788ffffffffffffffff');
	for (const value of [1.5, Number.NaN, Number.POSITIVE_INFINITY]) {
		t.throws(() => unsigned('Timecode', value), { instanceOf: RangeError }, String(value));
	}
	t.throws(() => sizeField(127, { sizeLength: 1 }), { message: 'a size of 127 does not fit 1 byte' });
	t.throws(() => sizeField(1, { sizeLength: 9 }), { instanceOf: RangeError });
	t.throws(() => sizeField(2 ** 56), { instanceOf: RangeError });
});

test('refuses laces whose sizes do not add up', (t) => {
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
