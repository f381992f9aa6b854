// Opens archives. With `exit`, `throw` or `reject`: a temporary one, and ends so. Without: says `ready`, and does what each line
// of its input asks for: `open DIRECTORY` (says `open` or the error's code) or `close` (says `closed`).
import { readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { createInterface } from 'node:readline';
import { type ArchiveServer, createArchiveServer } from '#lib/server/index.js';

const [end] = process.argv.slice(2);
const say = (line: string) => process.stdout.write(`${line}\n`);

if (end !== undefined) {
	await createArchiveServer().archive.ready;
	say(`open with ${(await readdir(tmpdir())).join()}`);
	if (end === 'exit') process.exit(7);
	if (end === 'throw') {
		setImmediate(() => {
			throw new Error('on purpose');
		});
	} else {
		void Promise.reject(new Error('on purpose'));
	}
} else {
	say('ready');
	let server: ArchiveServer | null = null;
	for await (const line of createInterface({ input: process.stdin })) {
		const [verb, dataDirectory] = line.split(' ');
		if (verb === 'open') {
			server = createArchiveServer({ dataDirectory });
			const outcome = await server.archive.ready.then(
				() => 'open',
				(error) => error.code,
			);
			say(outcome);
		} else {
			server?.archive.close();
			say('closed');
		}
	}
}
