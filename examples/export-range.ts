// Shows how to:
// 1. write a time range of a stream into one playable file; stopped, the same call goes on from there
// 2. tell from the summary whether anything is missing in it
// 3. check later that the file is still what was written
//
// Run: npm run check && node build/examples/export-range.js [file.mp4]
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { KvsArchive, readManifest, verifyExport } from 'kvs-archive';
import { clipStart, openExampleArchive } from './local-archive.js';

const file = process.argv[2] ?? join(tmpdir(), 'kvs-archive-example.mp4');
const local = await openExampleArchive();
const archive = new KvsArchive({ streamName: local.streamName, endpoint: local.endpoint });

// Both ends count, and are compared with the start of a fragment, as the service does it.
const range = {
	from: new Date(clipStart.getTime() + 4000),
	to: new Date(clipStart.getTime() + 10_000),
	by: 'producer',
};

const { fragments, delivered, failed, missing, frames, bytes } = await archive.export(range, file);
console.log(`${file}: ${delivered} of ${fragments} fragments, ${frames} frames, ${bytes} bytes`);
if (failed + missing > 0) console.log(`not in it: ${failed} that failed, ${missing} that never came`);

const manifest = await readManifest(file);
if (manifest !== null) {
	const { damage, bytes: checked } = await verifyExport(file, manifest);
	console.log(damage.length === 0 ? `${checked} bytes are what they were` : damage);
}

await archive.close();
await local.close();
