import test, { type ExecutionContext } from 'ava';
import { element, elementHeader, master, string, unsigned } from '#lib/ebml/ebml-writer.js';
import { block, cluster, ebmlHeader, info, tracks } from '#lib/mkv/matroska-writer.js';
import type { MediaEvent } from '#lib/model/media-event.js';
import {
	audioTrack,
	fragmentDocument,
	frameBlock,
	serviceTags,
	videoTrack,
} from '../helpers/media/payload.js';
import { cutAt, readEvents } from './read-events.js';

const [first, second, third] = [1, 2, 3].map((index) =>
	fragmentDocument({
		number: String(index),
		producerMs: index * 1_000_000,
		blocks: [0, 1, 2].map((frame) => frameBlock(10 * index + frame)),
	}),
) as [Buffer, Buffer, Buffer];

/** What was read of each fragment, in order: its number, the texts of its frames, and whether it is whole. */
function fragmentsOf(events: readonly MediaEvent[]): string[] {
	const frames: string[] = [];
	return events.flatMap((event) => {
		if (event.type === 'frame') frames.push(String(Number(Buffer.from(event.data).toString().slice(6))));
		if (event.type !== 'fragment-end') return [];
		return [`${event.fragmentNumber}: ${frames.splice(0).join(' ')}${event.complete ? '' : ' …'}`];
	});
}

function assertRead(t: ExecutionContext, bytes: Buffer, expected: readonly string[], name = ''): void {
	const whole = readEvents([bytes], { resync: true });
	t.is(whole.error, null);
	t.deepEqual(fragmentsOf(whole.events), expected, name);
	const text = JSON.stringify(whole.events);
	for (const chunkBytes of [1, 7, 64]) {
		const places = Array.from({ length: Math.ceil(bytes.byteLength / chunkBytes) }, (_, i) => i * chunkBytes);
		const cut = readEvents(cutAt(bytes, places), { resync: true });
		t.is(JSON.stringify(cut.events), text, `${name}, in chunks of ${chunkBytes}`);
	}
}

const [FIRST, SECOND, THIRD] = ['1: 10 11 12', '2: 20 21 22', '3: 30 31 32'];

test('a second Segment in a document is malformed, and its content belongs to no fragment', (t) => {
	for (const bit of Array.from({ length: 32 }, (_, index) => index)) {
		const damaged = Buffer.from(second);
		damaged[bit >> 3] = (damaged[bit >> 3] as number) ^ (1 << (bit & 7));
		const bytes = Buffer.concat([first, damaged, third]);
		assertRead(t, bytes, [`${FIRST} …`, THIRD], `bit ${bit}`);
		t.is((readEvents([bytes]).error as { code?: string }).code, 'KVS_MKV_MALFORMED');
	}
});

test('a second Segment is malformed after one of known size too', (t) => {
	const segment = master('Segment', [tracks([]), serviceTags({ FRAGMENT_NUMBER: '7' })]);
	const bytes = Buffer.concat([...ebmlHeader(), ...segment, ...segment]);
	const { error } = readEvents([bytes]);
	t.regex(String(error), /a second Segment in one document/);
});

/** A document whose Segment holds the given children after those of the first. */
const withMore = (...more: Uint8Array[]): Buffer => Buffer.concat([first, ...more]);

test('elements that can only belong to another document are malformed', (t) => {
	const cases: [string, Buffer, RegExp][] = [
		[
			'another fragment number',
			withMore(...serviceTags({ FRAGMENT_NUMBER: '2' })),
			/fragment 2 begins inside/,
		],
		['other Tracks', withMore(...master('Tracks', [audioTrack])), /another Tracks/],
		['another Info', withMore(...info(1_000_000, [string('Title', 'x')])), /another Info/],
		['an element of Tracks', withMore(...unsigned('FlagInterlaced', 1)), /FlagInterlaced inside a Segment/],
		['a Cluster outside of a Segment', Buffer.concat([...ebmlHeader(), ...cluster(0n, [])]), /got Cluster/],
		['a document without a Segment', Buffer.concat([...ebmlHeader(), second]), /without a Segment/],
	];
	for (const [name, bytes, message] of cases) {
		const { error } = readEvents([bytes]);
		t.regex(String(error), message, name);
	}
	const again = withMore(
		...info(1_000_000),
		...master('Tracks', [videoTrack]),
		...serviceTags({ FRAGMENT_NUMBER: '1' }),
	);
	t.is(readEvents([again]).error, null);
});

test('an EncryptedBlock is not supported', (t) => {
	const bytes = Buffer.concat([
		...ebmlHeader(),
		...master('Segment', [
			master('Tracks', [videoTrack]),
			cluster(0n, [...block(frameBlock(0)), ...element('EncryptedBlock', [Buffer.alloc(9)])]),
		]),
	]);
	const { error, events } = readEvents([bytes]);
	t.is((error as { code?: string }).code, 'KVS_MEDIA_UNSUPPORTED');
	t.is(events.find((event) => event.type === 'fragment-failure')?.name, 'UNSUPPORTED');
});

const ebmlIdAndSize = Buffer.from('1a45dfa34fff', 'hex');

test('a document after a false candidate at the end of the payload is found', (t) => {
	const decoys = [
		ebmlIdAndSize,
		Buffer.from('1a45dfa3', 'hex'),
		Buffer.from('1a', 'hex'),
		Buffer.concat([ebmlIdAndSize, ebmlIdAndSize]),
		// It names a DocType, and claims to be longer than the rest.
		Buffer.concat([ebmlIdAndSize, ...string('DocType', 'matroska')]),
	];
	for (const decoy of decoys) {
		const bytes = Buffer.concat([first, Buffer.alloc(1), decoy, Buffer.alloc(20, 0xec), second]);
		assertRead(t, bytes, [`${FIRST} …`, SECOND]);
	}
});

test('finds a document that lies inside an element with a damaged size', (t) => {
	const inCluster = (bytes: Uint8Array[]): Buffer =>
		Buffer.concat([
			...ebmlHeader(),
			elementHeader('Segment', 0, { isSizeUnknown: true }),
			...master('Tracks', [videoTrack]),
			...serviceTags({ FRAGMENT_NUMBER: '9' }),
			elementHeader('Cluster', 0, { isSizeUnknown: true }),
			...unsigned('Timecode', 0),
			...bytes,
		]);
	const sizes = [second.byteLength - 20, second.byteLength - 5, second.byteLength + 30, 100_000];
	for (const name of ['SimpleBlock', 'BlockGroup', 'Void', 'PrevSize']) {
		for (const sizeBytes of sizes) {
			const damaged = inCluster([elementHeader(name, sizeBytes), Buffer.from('8100000061', 'hex')]);
			const bytes = Buffer.concat([damaged, second, third]);
			const read = fragmentsOf(readEvents([bytes], { resync: true }).events);
			t.deepEqual(read.slice(-2), [SECOND, THIRD], `${name} of ${sizeBytes} bytes`);
			assertRead(t, bytes, read, `${name} of ${sizeBytes} bytes`);
		}
	}
	const unknown = Buffer.concat([Buffer.from('5f11', 'hex'), Buffer.from('41ff', 'hex')]);
	assertRead(t, Buffer.concat([first, unknown, second, third]), [`${FIRST} …`, SECOND, THIRD]);
	const tags = elementHeader('Tags', second.byteLength + 9);
	assertRead(t, Buffer.concat([first, tags, second, third]), [`${FIRST} …`, SECOND, THIRD]);
});

test('a file may be attached to a document', (t) => {
	const attached = master('Attachments', [master('AttachedFile', [element('FileData', [second])])]);
	const blocks = cluster(
		0n,
		block({ trackNumber: 1, relativeTicks: 0, keyframe: true, data: Buffer.from('frame 10') }),
	);
	const segment = master('Segment', [master('Tracks', [videoTrack]), blocks, attached]);
	const { events, error } = readEvents([Buffer.concat([...ebmlHeader(), ...segment])]);
	t.is(error, null);
	t.deepEqual(fragmentsOf(events), ['null: 10']);
});

test('attachments in a payload, whose Segments are of unknown size, are a damaged size', (t) => {
	const attachments = elementHeader('Attachments', 100_000_000);
	assertRead(t, Buffer.concat([first, attachments, second, third]), [`${FIRST} …`, SECOND, THIRD]);
});

test('an element that a damaged id makes Attachments is searched for documents', (t) => {
	const segment = master('Segment', [element('Attachments', [second]), element('Void', [Buffer.alloc(9)])]);
	const bytes = Buffer.concat([first, ...ebmlHeader(), ...segment, third]);
	assertRead(t, bytes, [FIRST, SECOND, THIRD]);
});

test('a tag that ends exactly after the header of the next document is a cut', (t) => {
	// The next document's Info and Tracks would continue the Segment as if they were its own.
	const segmentAt = second.indexOf(Buffer.from('18538067', 'hex'));
	const sizeLength = Math.clz32(second[segmentAt + 4] as number) - 23;
	const header = second.subarray(0, segmentAt + 4 + sizeLength);
	const name = string('TagName', 'NOTE');
	const text = elementHeader('TagString', header.byteLength);
	const simple = [...name, text];
	const sizeBytes = simple.reduce((sum, { byteLength }) => sum + byteLength, header.byteLength);
	const simpleTag = elementHeader('SimpleTag', sizeBytes);
	const tag = elementHeader('Tag', simpleTag.byteLength + sizeBytes);
	const tags = elementHeader('Tags', tag.byteLength + simpleTag.byteLength + sizeBytes);
	const tagsBytes = tags.byteLength + tag.byteLength + simpleTag.byteLength + sizeBytes;
	// Ends in the next document, after the first child of its Segment.
	const childBytes = 5 + ((second[header.byteLength + 4] as number) & 0x7f);
	const segment = elementHeader('Segment', tagsBytes + childBytes + 10);
	const bytes = Buffer.concat([
		first,
		...ebmlHeader(),
		segment,
		tags,
		tag,
		simpleTag,
		...simple,
		second,
		third,
	]);
	const { events } = readEvents([bytes], { resync: true });
	t.deepEqual(fragmentsOf(events).slice(-2), [SECOND, THIRD]);
});

test('broken bytes between two fragments are one failure, whatever seems to begin in them', (t) => {
	const seeming = Buffer.concat([
		...ebmlHeader(),
		elementHeader('Segment', 0, { isSizeUnknown: true }),
		Buffer.alloc(1),
	]);
	const bytes = Buffer.concat([first, Buffer.alloc(1), ...Array.from({ length: 5 }, () => seeming), second]);
	const { events } = readEvents([bytes], { resync: true });
	t.is(events.filter(({ type }) => type === 'fragment-failure').length, 1);
	assertRead(t, bytes, [`${FIRST} …`, SECOND]);
});
