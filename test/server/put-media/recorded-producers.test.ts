import { createHash } from 'node:crypto';
import type { ExecutionContext } from 'ava';
import { MkvReader } from '#lib/demux/mkv-reader.js';
import type { FragmentEndEvent, Frame, MediaEvent } from '#lib/model/media-event.js';
import { collect } from '../../helpers/collect.js';
import { testWith } from '../../helpers/needs.js';
import { openArchive } from '../../helpers/service/open-archive.js';
import { Producer, type ReceivedAck } from '../../helpers/service/producer.js';
import {
	type RecordedName,
	type RecordedRequest,
	readRecordedSession,
	recordedSessions,
} from '../../helpers/service/recorded-session.js';
import { startServer } from '../../helpers/service/start-server.js';
import { RawConnection } from '../raw-connection.js';

/** What the producers said of each fragment, `NAME=VALUE`: what they wrote after a fragment's last block belongs to it. */
const tags: Record<RecordedName, readonly (readonly string[])[]> = {
	// Its first key came before the first Cluster, and was repeated after it.
	'c-offline-relative-av-tags': [
		['ContactId=contact-0', 'ContactId=contact-0'],
		['ContactId=contact-1'],
		['AWS_KINESISVIDEO_END_OF_FRAGMENT='],
	],
	'c-sample-realtime-tags-eofr': [1, 46, 91].map((frame) => [
		`TEST_KEY_1=TEST_VALUE_${frame}`,
		`TEST_KEY_2=TEST_VALUE_${frame + 1}`,
		'AWS_KINESISVIDEO_END_OF_FRAGMENT=',
	]),
	'kvssink-avc-aac-bframes': [['AWS_KINESISVIDEO_END_OF_FRAGMENT=']],
	'kvssink-avc-alaw': [[], [], ['AWS_KINESISVIDEO_END_OF_FRAGMENT=']],
};

/** The service's own, which stand in every stored fragment. */
const serviceTag = /^AWS_KINESISVIDEO_(FRAGMENT_NUMBER|SERVER_TIMESTAMP|PRODUCER_TIMESTAMP)=/;

/** What timecodes count from, epoch milliseconds. */
function startOf({ headers }: RecordedRequest): number {
	const isRelative = headers['x-amzn-fragment-timecode-type'] === 'RELATIVE';
	return isRelative ? Math.round(Number(headers['x-amzn-producer-start-timestamp']) * 1000) : 0;
}

/** Sends a request of the control plane as it was sent. Resolves with status and body. */
async function replay(t: ExecutionContext, url: string, { lines, body }: RecordedRequest): Promise<string> {
	const connection = RawConnection.open(t, url);
	connection.write(`${[...lines, '', ''].join('\r\n')}${body}`);
	await connection.has(/\r\n\r\n.*\}$/s);
	// They close it themselves, after each response.
	connection.socket.end();
	await connection.closed();
	const [, status, json] = /^HTTP\/1\.1 (\d+) .*\r\n\r\n(.*)$/s.exec(connection.received) ?? [];
	return `${status} ${json}`;
}

/** Type and timecode of each. */
function outline(acks: readonly ReceivedAck[]): string[] {
	return acks.map(({ EventType, FragmentTimecode }) => `${EventType} ${FragmentTimecode}`);
}

/** One frame as text, to be compared. */
function frameText({ track, keyframe, data }: Frame, timestampMs: number | null): string {
	const hash = createHash('sha256').update(data).digest('hex');
	return `track ${track.number} at ${timestampMs}, key frame: ${keyframe}, ${hash}`;
}

/** The frames of a body, in their order. */
async function framesOf(body: Uint8Array, startMs: number): Promise<string[]> {
	const reader = new MkvReader();
	reader.end(body);
	const frames: string[] = [];
	for await (const event of reader as AsyncIterable<MediaEvent>) {
		if (event.type === 'frame')
			frames.push(frameText(event, startMs + Number(event.timecodeNs / 1_000_000n)));
	}
	return frames;
}

for (const name of recordedSessions) {
	testWith(`putmedia/${name}.mkv`)(`the session ${name}, chunk by chunk`, async (t) => {
		const { requests, acks, blocks, chunks } = await readRecordedSession(name);
		const { server, url } = await startServer(t);
		const [media, ...control] = requests.toReversed() as [RecordedRequest, ...RecordedRequest[]];
		const streamName = media.headers['x-amzn-stream-name'] as string;
		const responses: string[] = [];
		for (const request of control.toReversed()) {
			// The logging server gave the stream another ARN.
			const arn = server.archive.stream(streamName)?.arn ?? '';
			const body = request.body.replace(/"arn:[^"]*"/, JSON.stringify(arn));
			const lines = request.lines.map((line) =>
				line.startsWith('content-length: ') ? `content-length: ${Buffer.byteLength(body)}` : line,
			);
			responses.push(await replay(t, url, { ...request, lines, body }));
		}
		const [missing, ...rest] = responses;
		t.regex(missing ?? '', /^404 /);
		t.true(rest.every((response) => response.startsWith('200 ')));
		// The port comes from the connection, as the producers' Host has none.
		const host = control[0]?.headers['host'];
		t.is(rest.at(-1), `200 ${JSON.stringify({ DataEndpoint: `http://${host}:${new URL(url).port}` })}`);

		const producer = await Producer.replay(url, media.lines);
		// They send no media before the response has begun.
		t.regex(await producer.responded(), /^HTTP\/1\.1 200 OK\r\n/);
		for (const chunk of chunks) await producer.send(chunk);
		// They keep the body open until their last fragment is acknowledged, which ends with END_OF_FRAGMENT.
		const last = acks.at(-1)?.FragmentTimecode;
		await producer.ack((ack) => ack.EventType === 'PERSISTED' && ack.FragmentTimecode === last);
		t.false(producer.chunks.includes(''));
		await producer.finish();
		await producer.ended;
		t.is(producer.chunks.at(-1), '');
		// When a fragment is durable is the disk's affair; so PERSISTED counts for itself.
		const isPersisted = ({ EventType }: ReceivedAck): boolean => EventType === 'PERSISTED';
		t.deepEqual(
			outline(producer.acks.filter((ack) => !isPersisted(ack))),
			outline(acks.filter((ack) => !isPersisted(ack))),
		);
		t.deepEqual(outline(producer.acks.filter(isPersisted)), outline(acks.filter(isPersisted)));

		const archive = openArchive(t, url, { streamName });
		const everything = { from: new Date(0), to: new Date(8.64e15 / 2) };
		const startMs = startOf(media);
		const listed = await collect(archive.fragments(everything));
		t.deepEqual(
			listed.map(({ fragmentNumber, producerTimestamp }) => [fragmentNumber, producerTimestamp.getTime()]),
			producer.acks
				.filter(isPersisted)
				.map((ack) => [ack.FragmentNumber, startMs + (ack.FragmentTimecode ?? 0)]),
		);
		const frames: string[] = [];
		const ends: FragmentEndEvent[] = [];
		for await (const event of archive.events(everything)) {
			if (event.type === 'frame') frames.push(frameText(event, event.timestampMs));
			else if (event.type === 'fragment-end') ends.push(event);
			else t.is(event.type, 'fragment');
		}
		t.deepEqual(frames, await framesOf(Buffer.concat(chunks), startMs));
		t.deepEqual(
			ends.map((end) => end.frames),
			[...blocks],
		);
		t.deepEqual(
			ends.map((end) =>
				end.tags
					.map(({ name: key, value }) => `${key}=${String(value ?? '')}`)
					.filter((tag) => !serviceTag.test(tag)),
			),
			tags[name].map((own) => [...own]),
		);
	});
}
