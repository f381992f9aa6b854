import test from 'ava';
import { element, master, string, unsigned } from '#lib/ebml/ebml-writer.js';
import { XIPH_LACING } from '#lib/mkv/lacing.js';
import { ebmlHeader } from '#lib/mkv/matroska-writer.js';
import { MAX_FRAGMENT_BYTES } from '#lib/model/fragment-limits.js';
import { timecodeMs } from '#lib/server/put-media/producer-time.js';
import {
	MAX_BYTES_BETWEEN_FRAGMENTS,
	MAX_CLUSTER_HEAD_BYTES,
	MAX_LEADING_TAGS_BYTES,
	MAX_PRODUCER_HEADER_BYTES,
	MAX_TAGS_BYTES,
} from '#lib/server/put-media/put-media-limits.js';
import { trackEntry, videoTrack } from '../../helpers/media/payload.js';
import {
	bothTracks,
	clusterOf,
	endOfFragment,
	frame,
	header,
	rawCluster,
	tags,
	timecode,
	UNSIZED,
	voidElement,
} from './body.js';
import { read } from './record.js';

/** What became of the fragments, then the error. */
function verdict(...body: readonly Uint8Array[]): (string | number)[] {
	return relativeVerdict(null, ...body);
}

function relativeVerdict(
	producerStartMs: number | null,
	...body: readonly Uint8Array[]
): (string | number)[] {
	const { fragments, error } = read(body, { producerStartMs });
	const outcomes = fragments.map(({ outcome }) => (typeof outcome === 'string' ? outcome : 'stored'));
	return error === null ? outcomes : [...outcomes, error.errorId, String(error.timecodeTicks)];
}

const video = header();
const both = header({ tracks: bothTracks });

test('4006: a malformed header', (t) => {
	const refused = [4006, 'null'];
	t.deepEqual(verdict(Buffer.from('GET / HTTP/1.1')), refused);
	t.deepEqual(verdict(Buffer.alloc(100)), refused);
	t.deepEqual(verdict(Buffer.concat(ebmlHeader()), clusterOf(0)), refused, 'no Segment');
	t.deepEqual(verdict(video.subarray(Buffer.concat(ebmlHeader()).byteLength)), refused, 'no EBML header');
	t.deepEqual(verdict(header({ tracks: [] }), clusterOf(0)), refused, 'no tracks');
	t.deepEqual(
		verdict(header({ more: master('Tracks', [videoTrack]) }), clusterOf(0)),
		refused,
		'Tracks twice',
	);
	t.deepEqual(
		verdict(header({ tracks: [videoTrack, videoTrack] }), clusterOf(0)),
		refused,
		'one number twice',
	);
	t.deepEqual(verdict(header({ timecodeScaleNs: 0 }), clusterOf(0)), refused);
	t.deepEqual(verdict(header({ more: element('SimpleBlock', []) }), clusterOf(0)), refused);
	const webp = master('EBML', [string('DocType', 'webp')]);
	t.deepEqual(verdict(Buffer.concat(webp), video), refused);
});

test('4006: a header larger than the limit', (t) => {
	t.deepEqual(verdict(header({ more: voidElement(MAX_PRODUCER_HEADER_BYTES) })), [4006, 'null']);
	const small = Array.from({ length: 17 }, () => voidElement(1_000_000)).flat();
	t.deepEqual(verdict(header({ more: small })), [4006, 'null']);
	t.deepEqual(verdict(header({ more: voidElement(1_000_000) }), clusterOf(0)), ['stored']);
	const privateOf = (bytes: number) =>
		header({
			tracks: [trackEntry(1, 'video', 'V_TEST', [element('CodecPrivate', [new Uint8Array(bytes)])])],
		});
	t.deepEqual(verdict(privateOf(1024 * 1024), clusterOf(0)), ['stored']);
	t.deepEqual(verdict(privateOf(1024 * 1024 + 1), clusterOf(0)), [4006, 'null']);
	t.deepEqual(verdict(privateOf(5 * 1024 * 1024), clusterOf(0)), [4006, 'null']);
});

test('4012: a fourth track', (t) => {
	const tracksOf = (count: number) =>
		Array.from({ length: count }, (_, index) => trackEntry(index + 1, 'audio', 'A_TEST'));
	const frames = [1, 2, 3].map((trackNumber) => frame(0, { trackNumber }));
	t.deepEqual(verdict(header({ tracks: tracksOf(3) }), clusterOf(0, frames)), ['stored']);
	t.deepEqual(verdict(header({ tracks: tracksOf(4) })), [4012, 'null']);
});

test('4010: a block of a track that the header does not declare', (t) => {
	t.deepEqual(verdict(video, clusterOf(5, [frame(0), frame(1, { trackNumber: 2 })])), ['dropped', 4010, '5']);
	t.deepEqual(verdict(video, clusterOf(5, [frame(0, { trackNumber: 300 })])), ['dropped', 4010, '5']);
});

test('4011: a declared track without a block', (t) => {
	const other = frame(1, { trackNumber: 2 });
	t.deepEqual(verdict(both, clusterOf(5, [frame(0)])), ['dropped', 4011, '5']);
	t.deepEqual(verdict(both, clusterOf(0, [frame(0), other]), clusterOf(9, [other]), video), [
		'stored',
		'dropped',
		4011,
		'9',
	]);
	t.deepEqual(verdict(both, clusterOf(5, [frame(0), frame(1, { trackNumber: 2, durationTicks: 1 })])), [
		'stored',
	]);
});

test('4006: a Cluster without blocks, or without a Timecode before them', (t) => {
	t.deepEqual(verdict(video, clusterOf(5, [])), ['dropped', 4006, '5']);
	t.deepEqual(verdict(video, clusterOf(5, [], UNSIZED), clusterOf(6)), ['dropped', 4006, '5']);
	const simpleBlock = element('SimpleBlock', [Buffer.from('81000080', 'hex')]);
	t.deepEqual(verdict(video, rawCluster([simpleBlock, timecode(5)])), [4006, 'null']);
	t.deepEqual(verdict(video, rawCluster([])), [4006, 'null']);
	t.deepEqual(verdict(video, rawCluster([], UNSIZED), clusterOf(0)), [4006, 'null']);
	t.deepEqual(verdict(video, rawCluster([timecode(5), timecode(6), simpleBlock])), ['dropped', 4006, '5']);
	const long = voidElement(MAX_CLUSTER_HEAD_BYTES);
	t.deepEqual(verdict(video, rawCluster([long, timecode(5), simpleBlock])), [4006, 'null']);
});

test('4004: a block that is not later than all of the fragment before', (t) => {
	const [early, late] = [clusterOf(0, [frame(0), frame(80), frame(40)]), clusterOf(1000)];
	t.deepEqual(verdict(video, early, late), ['stored', 'stored']);
	t.deepEqual(verdict(video, early, clusterOf(80, [frame(0)])), ['stored', 'dropped', 4004, '80']);
	t.deepEqual(verdict(video, early, clusterOf(81, [frame(0)])), ['stored', 'stored']);
	t.deepEqual(
		verdict(video, early, clusterOf(100, [frame(0), frame(40), frame(-20)])),
		['stored', 'dropped', 4004, '100'],
		'B-frames across the border',
	);
	t.deepEqual(verdict(video, late, early), ['stored', 'dropped', 4004, '0']);
	t.deepEqual(verdict(video, early, early), ['stored', 'dropped', 4004, '0']);
});

test('4002: longer than 20 seconds, whatever the tick', (t) => {
	t.deepEqual(verdict(video, clusterOf(0, [frame(0), frame(20_000)])), ['stored']);
	t.deepEqual(verdict(video, clusterOf(0, [frame(0), frame(20_001)])), ['dropped', 4002, '0']);
	t.deepEqual(verdict(video, clusterOf(20_000, [frame(10_001), frame(-10_000)])), ['dropped', 4002, '20000']);
	const coarse = header({ timecodeScaleNs: 10_000_000 });
	t.deepEqual(verdict(coarse, clusterOf(0, [frame(0), frame(2000)])), ['stored']);
	t.deepEqual(verdict(coarse, clusterOf(0, [frame(0), frame(2001)])), ['dropped', 4002, '0']);
});

test('4001: more than 50 MB, as soon as a block says so', (t) => {
	const half = Buffer.alloc(MAX_FRAGMENT_BYTES / 2);
	const rest =
		MAX_FRAGMENT_BYTES / 2 - clusterOf(0, [frame(0), frame(1, { data: half })], UNSIZED).byteLength;
	const cluster = (data: Uint8Array) =>
		clusterOf(0, [frame(0), frame(1, { data: half }), frame(2, { data })], UNSIZED);
	const fits = cluster(half.subarray(0, rest - 9));
	t.is(fits.byteLength, MAX_FRAGMENT_BYTES);
	t.deepEqual(verdict(video, fits), ['stored']);
	const tooLarge = cluster(half.subarray(0, rest - 8));
	t.deepEqual(verdict(video, tooLarge.subarray(0, half.byteLength + 100)), ['dropped', 4001, '0']);
	t.deepEqual(verdict(video, fits, ...voidElement(1)), ['dropped', 4001, '0']);
	t.deepEqual(verdict(video, fits, ...tags(['a', '1'])), ['dropped', 4001, '0']);
	t.deepEqual(verdict(header({ more: tags(['a', '1']) }), fits), ['dropped', 4001, '0']);
});

test('4009: too many tags, or a tag whose name or value is invalid', (t) => {
	const tagged = (...pairs: readonly (readonly [string, string])[]) =>
		verdict(video, clusterOf(5), ...tags(...pairs));
	const many = (count: number) => Array.from({ length: count }, (_, index) => [`tag-${index}`, ''] as const);
	const refused = ['dropped', 4009, '5'];
	t.deepEqual(tagged(...many(10)), ['stored']);
	t.deepEqual(tagged(...many(11)), refused);
	t.deepEqual(
		verdict(
			header({ more: tags(...many(6)) }),
			clusterOf(5),
			...tags(...many(4)),
			clusterOf(1000),
			...tags(...many(10)),
		),
		['stored', 'stored'],
		'each fragment has its own',
	);
	t.deepEqual(verdict(header({ more: tags(...many(6)) }), clusterOf(5), ...tags(...many(5))), refused);
	t.deepEqual(verdict(header({ more: tags(...many(11)) }), clusterOf(5)), [4009, 'null']);
	t.deepEqual(tagged(['n'.repeat(128), 'v'.repeat(256)]), ['stored']);
	t.deepEqual(tagged(['n'.repeat(129), '']), refused);
	t.deepEqual(tagged(['ü'.repeat(65), '']), refused, 'bytes count, not characters');
	t.deepEqual(tagged(['n', 'v'.repeat(257)]), refused);
	t.deepEqual(tagged(['AWS_KINESISVIDEO_FRAGMENT_NUMBER', '1']), refused);
	t.deepEqual(tagged(['AWSome', '1']), refused);
	t.deepEqual(tagged(['AWS_KINESISVIDEO_NOTIFICATION', '']), ['stored']);
	const nested = master('SimpleTag', [
		string('TagName', 'a'),
		master('SimpleTag', [string('TagName', 'AWS')]),
	]);
	t.deepEqual(verdict(video, clusterOf(5), ...master('Tags', [master('Tag', [nested])])), refused);
});

test('4009: Tags larger than the limit; 4006: malformed Tags', (t) => {
	const padded = (bytes: number) => master('Tags', [voidElement(bytes)]);
	t.deepEqual(verdict(video, clusterOf(5), ...padded(MAX_TAGS_BYTES)), ['dropped', 4009, '5']);
	const many = Array.from({ length: MAX_LEADING_TAGS_BYTES / 60_000 + 1 }, () => padded(60_000)).flat();
	t.deepEqual(verdict(header({ more: many })), [4009, 'null']);
	t.deepEqual(verdict(video, clusterOf(5), ...endOfFragment, ...many), ['stored', 4009, 'null']);
	const broken = element('Tags', [Buffer.from('73738fff', 'hex')]);
	t.deepEqual(verdict(video, clusterOf(5), ...broken), ['dropped', 4006, '5']);
	t.deepEqual(verdict(header({ more: broken })), [4006, 'null']);
});

test('4007: a producer time that cannot be stored', (t) => {
	const latest = 8_640_000_000_000_000;
	const at = (ticks: number) => clusterOf(ticks, [frame(0)]);
	t.deepEqual(verdict(video, at(latest)), ['stored']);
	t.deepEqual(verdict(video, at(latest + 1)), [4007, String(latest + 1)]);
	t.deepEqual(verdict(video, clusterOf(2n ** 64n - 1n, [frame(0)])), [4007, String(2n ** 64n - 1n)]);
	t.deepEqual(relativeVerdict(latest - 5, video, at(5)), ['stored']);
	t.deepEqual(relativeVerdict(latest - 5, video, at(6)), [4007, '6']);
	t.deepEqual(relativeVerdict(-10, video, at(9)), [4007, '9']);
	t.deepEqual(relativeVerdict(-10, video, at(10)), ['stored']);
	const [fragment] = read([video, at(1500)], { producerStartMs: 1000.4 }).fragments;
	t.like(fragment?.outcome, { producerMs: 2500 });
	t.is(timecodeMs(3n, 333_333), 1);
	t.is(timecodeMs(1_795_875_945_066n, 1_000_000), 1_795_875_945_066);
});

test('4006: elements that are invalid after the first Cluster; the fragment before stays', (t) => {
	const after = (...more: readonly Uint8Array[]) => verdict(video, clusterOf(5), ...more);
	const refused = ['stored', 4006, 'null'];
	t.deepEqual(after(video), refused);
	t.deepEqual(after(Buffer.concat(ebmlHeader())), refused);
	t.deepEqual(after(video.subarray(Buffer.concat(ebmlHeader()).byteLength)), refused, 'a second Segment');
	t.deepEqual(after(...master('Tracks', [videoTrack])), refused);
	t.deepEqual(after(...master('Info', [])), refused);
	t.deepEqual(after(Buffer.from('00ff00ff', 'hex')), refused, 'garbage');
	t.deepEqual(verdict(video, clusterOf(5, [frame(0)], UNSIZED), video), refused);
	t.deepEqual(verdict(both, clusterOf(5), video), ['dropped', 4011, '5'], 'unless it breaks a rule');
});

test('4006: sizes that do not fit, and malformed blocks', (t) => {
	const refused = ['dropped', 4006, '5'];
	const children = (...more: readonly Uint8Array[][]) => rawCluster([timecode(5), ...more]);
	const group = (...more: readonly Uint8Array[][]) => children(master('BlockGroup', more));
	const [block] = [element('Block', [Buffer.from('81000080', 'hex')])];
	t.deepEqual(verdict(video, group(block)), ['stored']);
	t.deepEqual(verdict(video, children(element('SimpleBlock', [Buffer.from('810000', 'hex')]))), refused);
	t.deepEqual(verdict(video, children(element('SimpleBlock', [Buffer.from('00000000', 'hex')]))), refused);
	t.deepEqual(verdict(video, children(element('SimpleBlock', []))), refused);
	const laced = Buffer.from([0x81, 0, 0, XIPH_LACING]);
	t.deepEqual(verdict(video, children(element('SimpleBlock', [laced]))), refused);
	t.deepEqual(
		verdict(video, children([Buffer.from('a38f810000', 'hex')])),
		refused,
		'larger than its Cluster',
	);
	t.deepEqual(verdict(video, group([Buffer.from('a18f810000', 'hex')])), refused, 'larger than its group');
	t.deepEqual(verdict(video, children([Buffer.from('a3ff81000080', 'hex')])), refused, 'of unknown size');
	t.deepEqual(verdict(video, group()), refused, 'no Block');
	t.deepEqual(verdict(video, group(block, block)), refused, 'two Blocks');
	t.deepEqual(verdict(video, children(tags(['a', '1']))), refused, 'Tags inside');
	t.deepEqual(verdict(video, children(element('EncryptedBlock', []))), refused);
	t.deepEqual(verdict(video, children(unsigned('TrackNumber', 1))), refused);
	t.deepEqual(verdict(video, rawCluster([element('Timecode', [new Uint8Array(9)])])), [4006, 'null']);
	t.deepEqual(verdict(video, clusterOf(5), ...block), refused, 'a Block outside of a Cluster');
});

test('4006: too much between two fragments', (t) => {
	const between = (bytes: number) =>
		verdict(video, clusterOf(5), ...endOfFragment, ...voidElement(bytes), clusterOf(1000));
	t.deepEqual(between(MAX_BYTES_BETWEEN_FRAGMENTS - 12), ['stored', 'stored']);
	t.deepEqual(between(MAX_BYTES_BETWEEN_FRAGMENTS), ['stored', 4006, 'null']);
});
