import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { ArchiveError, MediaError, type MediaEvent, MkvReader } from '../../index.js';
import type { CommandContext } from '../command-context.js';
import { EXIT } from '../exit.js';
import { printEvents } from './events.js';

/** How much of a file is read at once. */
const READ_BYTES = 256 * 1024;

/** Prints every event of a payload on disk, or on stdin for `-`. */
export async function inspect(
	file: string,
	options: { readonly json?: boolean },
	context: CommandContext,
): Promise<number> {
	const input = file === '-' ? process.stdin : createReadStream(file, { highWaterMark: READ_BYTES });
	const name = file === '-' ? 'stdin' : `\`${file}\``;
	let printed = { count: 0, failures: 0 };
	try {
		await pipeline(
			input,
			new MkvReader({ deliver: 'batch' }),
			async (batches: AsyncIterable<MediaEvent[]>) => {
				printed = await printEvents(batches, options, context);
			},
			{ signal: context.signal },
		);
	} catch (error) {
		context.signal.throwIfAborted();
		throw explain(error, name);
	}
	if (printed.count === 0) throw new MediaError('KVS_MKV_MALFORMED', `${name} holds no media`);
	return printed.failures > 0 ? EXIT.incomplete : EXIT.done;
}

function explain(error: unknown, name: string): unknown {
	if (error instanceof MediaError) {
		return new MediaError(error.code, `${name} is no readable Matroska: ${error.message}`, {
			offset: error.offset,
			cause: error,
		});
	}
	const { code, syscall, message } = error as NodeJS.ErrnoException;
	if (syscall !== 'open' && syscall !== 'read') return error;
	const reason =
		{ ENOENT: 'no such file', EISDIR: 'it is a directory', EACCES: 'permission denied' }[code ?? ''] ??
		message;
	return new ArchiveError('KVS_FILE_UNREADABLE', `cannot read ${name}: ${reason} (${code})`, {
		cause: error,
	});
}
