import { InvalidOptionError, KvsArchive } from '../../../index.js';
import { createViewServer, openBrowser } from '../../../view/index.js';
import { checkRegion } from '../../../wording/region-name.js';
import { rangeOf } from '../../archive-options.js';
import type { CommandContext } from '../../command-context.js';
import { EXIT } from '../../exit.js';
import { integerOption } from '../../integer-option.js';

/** Options of `view`. */
export interface ViewOptions {
	readonly stream?: readonly string[];
	readonly from?: string;
	readonly to?: string;
	readonly endpoint?: string;
	readonly region?: string;
	readonly profile?: string;
	readonly port?: string;
	readonly open?: true;
}

/** Serves the page until it is interrupted. */
export async function view(
	options: ViewOptions,
	{ terminal, signal, nowMs }: CommandContext,
): Promise<number> {
	const { stream: streams = [], endpoint, region, profile, from } = options;
	const port = integerOption('--port', options.port) ?? 0;
	if (port > 65_535) throw new InvalidOptionError('--port', 'from 0 to 65535', port);
	if (from === undefined && options.to !== undefined) {
		throw new InvalidOptionError('--to', 'given with --from only', options.to);
	}
	const range = from === undefined ? null : rangeOf({ ...options, stream: '', by: 'producer' }, nowMs);
	const openArchive = (streamName: string): KvsArchive =>
		new KvsArchive({ streamName, endpoint, region, profile });
	checkRegion(region);
	// An invalid name is refused at once.
	for (const stream of streams) await openArchive(stream).close();
	await using server = createViewServer({
		openArchive,
		streams,
		range: range && { fromMs: range.from.getTime(), toMs: range.to.getTime() },
		commandFlags: Object.entries({
			'--endpoint': endpoint,
			'--region': region,
			'--profile': profile,
		}).flatMap(([flag, value]) => (value === undefined ? [] : [flag, value])),
	});
	const url = await server.listen(port);
	await terminal.write([`listening on ${url}`]);
	if (options.open && !(await openBrowser(url))) {
		terminal.say('no browser could be opened: open the address above in one');
	}
	await Promise.race([
		server.closed,
		new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true })),
	]);
	return EXIT.done;
}
