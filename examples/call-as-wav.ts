// Shows how to:
// 1. find the calls that Amazon Connect has put into one stream, one after the other
// 2. write one of them as a WAV, from its begin to its end, the customer left and the agent right
// 3. write each of them into a file of its own
//
// Run: npm run check && node build/examples/call-as-wav.js
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { KvsArchive } from 'kvs-archive';
import { clipStart, openExampleArchive } from './local-archive.js';

const local = await openExampleArchive('calls.mkv');
const archive = new KvsArchive({ streamName: local.streamName, endpoint: local.endpoint });
const directory = await mkdtemp(join(tmpdir(), 'kvs-archive-example-'));

// Wider than the calls: what is around them does not matter.
const range = { from: clipStart, to: new Date(clipStart.getTime() + 60_000), by: 'producer' };

// Tags may come after the media of their fragment: all of them are known at its end.
const calls = new Set<string>();
for await (const event of archive.events(range)) {
	const contactId = event.type === 'fragment-end' ? event.tag('ContactId') : null;
	if (typeof contactId === 'string') calls.add(contactId);
}

const [contactId = ''] = calls;
const { files, delivered, skipped } = await archive.export(range, join(directory, 'call.wav'), {
	where: { ContactId: contactId },
});
console.log(
	`call ${contactId}: ${files[0]?.durationMs} ms, ${delivered} fragments, ${skipped} of other calls`,
);

const each = await archive.export(range, join(directory, 'calls.wav'), { split: { tag: 'ContactId' } });
for (const { file, tag, durationMs } of each.files) {
	console.log(`${basename(file)}: call ${tag?.value ?? 'unknown'}, ${durationMs} ms`);
}

await rm(directory, { recursive: true });
await archive.close();
await local.close();
