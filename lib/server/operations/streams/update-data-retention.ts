import { invalidArgument } from '../../wire/service-error.js';
import type { JsonOperation } from '../operation.js';
import { versionedChange } from './stream-change.js';
import { RETENTION_HOURS } from './stream-members.js';

/** UpdateDataRetention: a longer or shorter retention, from 0 hours to ten years. What is older than a shorter one is removed at once. */
export const updateDataRetention: JsonOperation = {
	name: 'UpdateDataRetention',
	path: '/updateDataRetention',
	respond(request, context) {
		const operations = ['INCREASE_DATA_RETENTION', 'DECREASE_DATA_RETENTION'] as const;
		const operation = request.oneOf('Operation', operations);
		const hours = request.requiredInteger('DataRetentionChangeInHours', { ...RETENTION_HOURS, min: 1 });
		return versionedChange(request, context, (metadata) => {
			const change = operation === 'INCREASE_DATA_RETENTION' ? hours : -hours;
			const retentionHours = metadata.retentionHours + change;
			if (retentionHours < RETENTION_HOURS.min || retentionHours > RETENTION_HOURS.max) {
				throw invalidArgument(
					`expected a data retention from 0 to ${RETENTION_HOURS.max} hours, got ${metadata.retentionHours} changed by ${change}`,
				);
			}
			return { retentionHours };
		});
	},
};
