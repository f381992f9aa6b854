// Shows how to:
// 1. fetch what was recorded around an event ("door opened at 14:03:07"), once it is stored
// 2. deal with every kind of media event, trouble included
// 3. stop reading as soon as enough was seen
//
// Run: npm run check && node build/examples/react-to-event.js
import { KvsArchive } from 'kvs-archive';
import { openExampleArchive } from './local-archive.js';

const doorOpenedAt = new Date('2026-01-31T14:03:07Z');
const local = await openExampleArchive();
const archive = new KvsArchive({ streamName: local.streamName, endpoint: local.endpoint });

// Waits until a later fragment is stored. One is in a range when it starts in it: ask early enough to get the one that holds the moment.
const range = await archive.around(doorOpenedAt, { beforeMs: 5000, afterMs: 5000, by: 'producer' });

let loudest = { bytes: 0, at: '' };
reading: for await (const event of archive.events(range)) {
	switch (event.type) {
		case 'fragment':
			console.log(`fragment ${event.index} from ${event.producerTimestamp?.toISOString()}`);
			break;
		case 'frame':
			if (event.track.type === 'video' && !event.keyframe && event.data.byteLength > loudest.bytes) {
				loudest = { bytes: event.data.byteLength, at: event.timestamp?.toISOString() ?? '' };
			}
			// Leaving the loop closes the connection; nothing more is asked for.
			if (event.timestampMs !== null && event.timestampMs > doorOpenedAt.getTime() + 3000) break reading;
			break;
		case 'gap':
			console.log(`nothing was recorded from ${event.from.toISOString()} to ${event.to.toISOString()}`);
			break;
		case 'fragment-failure':
			console.log(
				`${event.fragmentNumber}: ${event.message}${event.retryable ? ' (worth another try)' : ''}`,
			);
			break;
		case 'fragment-end':
			break;
	}
}
console.log(`most movement at ${loudest.at} (${loudest.bytes} bytes)`);
await archive.close();
await local.close();
