import { InvalidOptionError, type MetricSource, serveMetrics } from '../../index.js';
import { parseDuration } from '../duration.js';
import { integerOption } from '../integer-option.js';
import type { Terminal } from '../terminal.js';
import type { MetricsCommandOptions } from './metrics-options.js';

/**
 * Serves the metrics that the options ask for, and says where, on stderr; nothing without `--metrics`. To be disposed of with
 * the command. Throws `InvalidOptionError`, and `ArchiveError` where it cannot listen.
 */
export async function openMetrics(
	{ metrics, maxLag }: MetricsCommandOptions,
	source: MetricSource | undefined,
	terminal: Terminal,
): Promise<AsyncDisposable | null> {
	const port = integerOption('--metrics', metrics);
	if (port === undefined || source === undefined) {
		if (maxLag !== undefined) throw new InvalidOptionError('--max-lag', 'given with --metrics only', maxLag);
		return null;
	}
	if (port > 65_535) throw new InvalidOptionError('--metrics', 'from 0 to 65535', port);
	const maxLagMs = maxLag === undefined ? undefined : parseDuration(maxLag);
	if (maxLagMs === null || maxLagMs === 0) {
		throw new InvalidOptionError('--max-lag', 'a length of time such as 60s', maxLag);
	}
	const server = await serveMetrics(source, { port, maxLagMs });
	terminal.say(`metrics on ${server.url}/metrics`);
	return server;
}
