import { invalidArgument } from '../wire/service-error.js';
import type { Operation } from './operation.js';

/** What the SDK's clients can call besides what the local archive serves. */
const names = [
	// What the service does by itself.
	'DescribeImageGenerationConfiguration',
	'UpdateImageGenerationConfiguration',
	'DescribeNotificationConfiguration',
	'UpdateNotificationConfiguration',
	'DescribeMediaStorageConfiguration',
	'UpdateMediaStorageConfiguration',
	'DescribeMappedResourceConfiguration',
	// The edge agent.
	'StartEdgeConfigurationUpdate',
	'DescribeEdgeConfiguration',
	'DeleteEdgeConfiguration',
	'ListEdgeAgentConfigurations',
	// WebRTC.
	'CreateSignalingChannel',
	'DescribeSignalingChannel',
	'UpdateSignalingChannel',
	'DeleteSignalingChannel',
	'ListSignalingChannels',
	'GetSignalingChannelEndpoint',
	'TagResource',
	'UntagResource',
	'ListTagsForResource',
] as const;

/** Those whose path begins with a capital letter. */
const capitalized: ReadonlySet<string> = new Set(['TagResource', 'UntagResource', 'ListTagsForResource']);

/** Operations that are refused by name, with `InvalidArgumentException`, whatever the request says. */
export const unservedOperations: readonly Operation[] = names.map((name) => ({
	name,
	path: capitalized.has(name) ? `/${name}` : `/${name.charAt(0).toLowerCase()}${name.slice(1)}`,
	respond() {
		throw invalidArgument(`the local archive does not serve the operation ${name}`);
	},
}));
