-- A role and a database of its name for each user; a certificate of that name enters, nothing else.
CREATE ROLE airflow LOGIN;
CREATE DATABASE airflow OWNER airflow;
CREATE ROLE store LOGIN;
CREATE DATABASE store OWNER store;
CREATE ROLE superset LOGIN;
CREATE DATABASE superset OWNER superset;
CREATE ROLE lake LOGIN;
CREATE DATABASE lake OWNER lake;
