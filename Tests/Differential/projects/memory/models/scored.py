def model(dbt, session):
    dbt.config(tags=["py"])
    limit = dbt.config.get("limit", 3)
    return dbt.ref("a").limit(limit)
