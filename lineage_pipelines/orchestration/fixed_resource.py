"""Fixed resource: a resource that is configured where the code location is defined, and not when a run is launched."""

import dagster as dg

from lineage_pipelines.orchestration.compat import cached_method


class FixedResource(dg.ConfigurableResource):  # type: ignore[type-arg]  # it is its own resource
    """Base of the resources that say which project, catalog and policy count.

    Dagster takes the fields of a resource from the configuration of a run, too: whoever may launch a run could name
    another project, whose policy asks for nothing. Here they are those of the code location, with the environment
    variables of its process (`dg.EnvVar`); Dagster refuses a run that configures them.
    """

    @classmethod
    def _is_dagster_maintained(cls) -> bool:
        return False

    @cached_method  # Dagster compares definitions by identity
    def get_resource_definition(self) -> dg.ResourceDefinition:  # type: ignore[override]  # a configured one
        """Return the resource with its configuration applied: nothing of it is left to be configured."""
        return super().get_resource_definition().configured(dict(self._resolved_config_dict), config_schema={})
