/* What a producer sends: a header of one video track, and Clusters of one frame whose bytes say which they are. */
import { connect } from 'node:net';
import { elementHeader, master, string } from '../../dist/ebml/ebml-writer.js';
import { block, cluster, ebmlHeader, info } from '../../dist/mkv/matroska-writer.js';

// Compiled with the tests.
const { videoTrack } = await import(
	new URL('../../build/test/helpers/media/payload.js', import.meta.url).href
);

/** Everything before the first Cluster. */
export const bodyHeader = Buffer.concat([
	...ebmlHeader(),
	elementHeader('Segment', 0, { isSizeUnknown: true }),
	...info(1_000_000),
	...master('Tracks', [videoTrack]),
]);

/** A Cluster of known size of a key frame of so many bytes. */
export function mediaCluster(timeMs, sizeBytes) {
	const data = Buffer.alloc(sizeBytes, timeMs % 251);
	data.write(String(timeMs));
	return Buffer.concat(
		cluster(BigInt(timeMs), block({ trackNumber: 1, relativeTicks: 0, keyframe: true, data })),
	);
}

/** The Tags with which producers end a fragment. */
export const endOfFragment = Buffer.concat(
	master('Tags', [
		master('Tag', [
			master('SimpleTag', [string('TagName', 'AWS_KINESISVIDEO_END_OF_FRAGMENT'), string('TagString', '')]),
		]),
	]),
);

/**
 * Connects to a server as a producer of absolute times, and sends `bodyHeader`. `onPersisted` is called with each
 * acknowledgement of what is stored. What is sent after the connection broke is lost.
 */
export async function openProducer({ endpoint, stream, onPersisted }) {
	const socket = connect(Number(endpoint.port), endpoint.hostname);
	const broken = new Promise((resolve) => socket.once('close', resolve));
	socket.on('error', () => {});
	let received = '';
	socket.setEncoding('latin1').on('data', (text) => {
		received += text;
		const lines = received.split('\n');
		received = lines.pop();
		for (const line of lines) {
			const match = /\{.*"EventType":"PERSISTED".*\}/.exec(line);
			if (match !== null) onPersisted(JSON.parse(match[0]));
		}
	});
	const write = (bytes) =>
		Promise.race([new Promise((resolve) => socket.write(bytes, () => resolve())), broken]);
	const chunk = (bytes) =>
		write(Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from('\r\n')]));
	await write(
		`POST /putMedia HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nx-amzn-stream-name: ${stream}\r\nx-amzn-fragment-timecode-type: ABSOLUTE\r\n\r\n`,
	);
	await chunk(bodyHeader);
	return { socket, broken, write, chunk };
}
