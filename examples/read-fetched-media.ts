// Shows how to:
// 1. read the media of a presigned request, or any Matroska bytes, without an AWS client in the program
// 2. do the same in a browser: `kvs-archive/mkv` has no module of Node there
//
// Run: npm run check && node build/examples/read-fetched-media.js
import { KvsArchive } from 'kvs-archive';
import { readMkv } from 'kvs-archive/mkv';
import { clipStart, openExampleArchive } from './local-archive.js';

const local = await openExampleArchive();
const archive = new KvsArchive({ streamName: local.streamName, endpoint: local.endpoint });

// What has credentials signs the request.
const range = { from: clipStart, to: clipStart.getTime() + 3000, by: 'producer' };
const fragmentNumbers: string[] = [];
for await (const fragment of archive.fragments(range)) fragmentNumbers.push(fragment.fragmentNumber);
const { url, ...request } = await archive.presign('GetMediaForFragmentList', { Fragments: fragmentNumbers });

// What has none sends it, and reads the response as it comes.
const { body } = await fetch(url, request);
if (body === null) throw new Error('the response has no body');
for await (const event of readMkv(body)) {
	if (event.type !== 'fragment-end') continue;
	console.log(`${event.producerTimestamp?.toISOString()}: ${event.frames} frames, ${event.bytes} bytes`);
}

await archive.close();
await local.close();
