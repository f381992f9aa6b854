import type { Command } from 'commander';
import { append } from '../append.js';

/** Adds the description and the options of `view`. */
export function withViewOptions(command: Command): Command {
	return command
		.description('serve a page on loopback that shows what is stored, and plays it')
		.option('--stream <name>', 'the stream that is shown first; may be given again (default: a list)', append)
		.option('--from <time>', 'show this range first: ISO 8601, epoch seconds, or relative (-15m)')
		.option('--to <time>', 'its end, likewise (default: now)')
		.option(
			'--endpoint <url>',
			"endpoint URL, such as a local archive (default: AWS_ENDPOINT_URL, else the region's)",
		)
		.option('--region <region>', 'AWS region')
		.option('--profile <name>', 'AWS profile')
		.option('--port <n>', 'where to listen (default: a free one)')
		.option('--open', 'open the page in a browser');
}
