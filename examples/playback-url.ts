// Shows how to:
// 1. get a URL that any HLS player plays, without credentials, until it expires
// 2. have a new one before that
//
// Run: npm run check && node build/examples/playback-url.js
import { KvsArchive } from 'kvs-archive';
import { clipStart, openExampleArchive } from './local-archive.js';

const local = await openExampleArchive();
const archive = new KvsArchive({ streamName: local.streamName, endpoint: local.endpoint });

const session = await archive.hlsSession({
	from: clipStart,
	to: new Date(clipStart.getTime() + 10_000),
	by: 'producer',
	fragmentTimestamps: true,
	expiresIn: 900,
});
console.log(`for 15 minutes: ffplay '${session.url}'`);
console.log((await (await fetch(session.url)).text()).trimEnd());

// The same range for 15 minutes more, counted from now. The first URL plays on until its own end.
const renewed = await session.renew();
console.log(`then: ${renewed.url === session.url ? 'the same' : 'another'} URL`);

await archive.close();
await local.close();
