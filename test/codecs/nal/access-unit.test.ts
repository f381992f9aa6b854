import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import fc from 'fast-check';
import type { Track } from 'kvs-archive';
import { nalUnitsOf, toAccessUnit } from '#lib/codecs/nal/access-unit.js';
import { accessUnitDamage } from '#lib/codecs/nal/access-unit-damage.js';
import { matroskaFrames } from '../../helpers/media/matroska-frames.js';
import { withFfmpeg } from '../../helpers/needs.js';
import { run, temporaryDirectory } from '../../helpers/tools.js';

const trackOf = (codecId: string): Track =>
	({ codecId, codecPrivate: null, nalLengthBytes: 4 }) as unknown as Track;
const track = trackOf('V_MPEG4/ISO/AVC');

/** NAL units as an encoder makes them: a header, no bytes that emulation prevention rules out, no zero at the end. */
const unit = fc
	.tuple(
		fc.constantFrom(0x65, 0x41, 0x01, 0x67, 0x68, 0x06, 0x09),
		fc.uint8Array({ minLength: 1, maxLength: 400 }),
	)
	.map(([header, body]) => Buffer.from([header, ...body.map((byte) => (byte === 0 ? 7 : byte))]));
const units = fc.array(unit, { minLength: 1, maxLength: 6 });

const prefixed = (all: readonly Uint8Array[]): Buffer =>
	Buffer.concat(
		all.flatMap((one) => {
			const length = Buffer.alloc(4);
			length.writeUInt32BE(one.length);
			return [length, one];
		}),
	);
const annexB = (all: readonly Uint8Array[]): Buffer =>
	Buffer.concat(all.flatMap((one) => [Buffer.from([0, 0, 0, 1]), one]));

test('converts either form into the other without losing a NAL unit, and converting again changes nothing', (t) => {
	fc.assert(
		fc.property(units, fc.boolean(), (all, keyframe) => {
			for (const data of [prefixed(all), annexB(all)]) {
				const starts = toAccessUnit({ track, keyframe, data }, 'annex-b');
				const lengths = toAccessUnit({ track, keyframe, data }, 'length-prefixed');
				t.true(annexB(all).equals(starts));
				t.true(prefixed(all).equals(lengths));
				t.true(annexB(all).equals(toAccessUnit({ track, keyframe, data: lengths }, 'annex-b')));
				t.true(annexB(all).equals(toAccessUnit({ track, keyframe, data: starts }, 'annex-b')));
				t.true(prefixed(all).equals(toAccessUnit({ track, keyframe, data: lengths }, 'length-prefixed')));
				t.is(accessUnitDamage(track, data), null);
			}
		}),
	);
});

test('arbitrary bytes never throw, and bytes of neither form are returned unchanged', (t) => {
	fc.assert(
		fc.property(fc.uint8Array({ maxLength: 300 }), fc.boolean(), (data, keyframe) => {
			const form = toAccessUnit({ track, keyframe, data }, 'annex-b');
			const problem = accessUnitDamage(track, data);
			if (nalUnitsOf(data, track) !== null) return;
			t.is(form, data);
			t.is(problem, 'the lengths of its NAL units do not match its size');
		}),
	);
});

test('detects damage without a decoder: a cut frame, a forbidden bit, a start code in a slice', (t) => {
	const slice = Buffer.from([0x65, 0x88, 1, 2, 3, 4, 5, 6]);
	const whole = prefixed([slice]);
	t.is(accessUnitDamage(track, whole), null);
	t.regex(accessUnitDamage(track, whole.subarray(0, -1)) ?? '', /do not match its size/);
	t.regex(accessUnitDamage(track, prefixed([Buffer.from([0xe5, 1])])) ?? '', /forbidden_zero_bit/);
	const emulated = Buffer.from([0x65, 1, 0, 0, 1, 9]);
	t.regex(accessUnitDamage(track, prefixed([emulated])) ?? '', /no slice may contain/);
	t.is(accessUnitDamage(track, prefixed([Buffer.from([0x65, 1, 0, 0, 3, 1, 0, 0])])), null);
	const hevc = trackOf('V_MPEGH/ISO/HEVC');
	t.regex(accessUnitDamage(hevc, prefixed([Buffer.from([0x02, 0x00, 1])])) ?? '', /temporal id/);
});

withFfmpeg('access units of an Annex B encoder are those of the same film in Matroska', async (t) => {
	const directory = await temporaryDirectory(t);
	const [mkv, stream] = [join(directory, 'film.mkv'), join(directory, 'film.h264')];
	const source = ['-nostdin', '-v', 'error', '-f', 'lavfi', '-i', 'testsrc2=s=160x120:r=10:d=2'];
	t.is((await run('ffmpeg', [...source, '-c:v', 'libx264', '-g', '5', '-bf', '2', mkv])).code, 0);
	t.is((await run('ffmpeg', ['-nostdin', '-v', 'error', '-i', mkv, '-c', 'copy', stream])).code, 0);
	const frames = await matroskaFrames(mkv);
	const slices = (bytes: Uint8Array): string[] =>
		(nalUnitsOf(bytes, track) ?? [])
			.filter((one) => [1, 5].includes((one[0] as number) & 31))
			.map((one) => Buffer.from(one).toString('hex'));
	const ours = Buffer.concat(frames.map((frame) => toAccessUnit(frame, 'annex-b')));
	t.deepEqual(slices(ours), slices(await readFile(stream)));
	for (const frame of frames.filter(({ keyframe }) => keyframe)) {
		const types = (nalUnitsOf(toAccessUnit(frame, 'annex-b'), track) ?? []).map(
			(one) => (one[0] as number) & 31,
		);
		t.true(types.includes(7) && types.includes(8));
	}
});
