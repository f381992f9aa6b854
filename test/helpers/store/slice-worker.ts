/* A process that does slices, of the queue and into the folder of its arguments, and says when each is over. */
import { ArchiveWorker } from 'kvs-archive/bullmq';

const [, , url = '', out = '', lock = ''] = process.argv;
const worker = new ArchiveWorker({
	url,
	out,
	concurrency: 2,
	lockMs: Number(lock),
	onSlice: ({ job, error }) => process.send?.({ from: job.from, error: error?.message ?? null }),
});
// It lives for as long as its parent is connected.
process.on('disconnect', () => process.exit());
await worker.start();
process.send?.('started');
