import { fc, testProp } from '@fast-check/ava';
import test from 'ava';
import { avcParameterSets, hevcParameterSets } from '#lib/codecs/nal/parameter-sets.js';

/** An AVC decoder configuration record of x264. */
const avc = Buffer.from(
	'0164000dffe100176764000dacb20283f60220000003002000000641e2854901000668ebc3cb22c0fdf8f800',
	'hex',
);

/** An HEVC decoder configuration record with a VPS, an SPS and a PPS, two bytes of payload each. */
const hevc = Buffer.concat([
	Buffer.from('0101600000009000000000003cf000fcfdf8f800000f', 'hex'),
	Buffer.from('03', 'hex'),
	Buffer.from('a0000100044001aabb', 'hex'),
	Buffer.from('a1000100044201ccdd', 'hex'),
	Buffer.from('a2000100044401eeff', 'hex'),
]);

const asHex = (sets: readonly Uint8Array[] | null): string[] | undefined =>
	sets?.map((set) => Buffer.from(set).toString('hex'));

test('reads the parameter sets of both records', (t) => {
	t.deepEqual(asHex(avcParameterSets(avc)), [
		'6764000dacb20283f60220000003002000000641e28549',
		'68ebc3cb22c0',
	]);
	t.deepEqual(asHex(hevcParameterSets(hevc)), ['4001aabb', '4201ccdd', '4401eeff']);
});

test('a record without a picture parameter set is invalid', (t) => {
	t.is(avcParameterSets(Buffer.concat([avc.subarray(0, 31), Buffer.of(0)])), null);
	const twoArrays = Buffer.from(hevc);
	twoArrays[22] = 2;
	t.is(hevcParameterSets(twoArrays), null);
});

test('a record that is cut anywhere within its sets is invalid', (t) => {
	// After the sets x264 writes four bytes more, of the high profiles.
	for (let length = 0; length < avc.byteLength - 4; length++) {
		t.is(avcParameterSets(avc.subarray(0, length)), null, `${length}`);
	}
	for (let length = 0; length < hevc.byteLength; length++) {
		t.is(hevcParameterSets(hevc.subarray(0, length)), null, `${length}`);
	}
});

testProp(
	'any bytes are read or refused, and what is read lies within them',
	[fc.uint8Array()],
	(t, bytes) => {
		for (const sets of [avcParameterSets(bytes), hevcParameterSets(bytes)]) {
			for (const set of sets ?? []) t.true(set.byteLength > 0 && set.buffer === bytes.buffer);
		}
		t.pass();
	},
);
